import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { loadSqlite } from '../../../watchers/sqlite/library.js';
import { wasmSqlite } from '../../../watchers/sqlite/wasm/library.js';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isOwn = major >= 24 || (major === 22 && minor >= 16);

it("is Node's own if that has what reading needs, otherwise the WebAssembly build, compiled once", async () => {
  const warnings: Error[] = [];
  const hear = (warning: Error): unknown => warnings.push(warning);
  process.on('warning', hear);
  const { DatabaseSync: found } = await loadSqlite();
  // Warnings are told in the next tick.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', hear);
  const own: unknown = isOwn
    ? createRequire(import.meta.url)('node:sqlite').DatabaseSync
    : wasmSqlite().DatabaseSync;
  expect(found).toBe(own);
  expect(warnings).toEqual([]);
});

it('does not suppress later warnings', async () => {
  const { emitWarning } = process;
  await loadSqlite();
  expect(process.emitWarning).toBe(emitWarning);
});
