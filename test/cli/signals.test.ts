import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleModule } from '../support/run-module.js';

const entry = fileURLToPath(new URL('./signals-child.ts', import.meta.url));
let program: Awaited<ReturnType<typeof bundleModule>>;

beforeAll(async () => {
  program = await bundleModule(entry);
});

afterAll(() => program.remove());

describe.skipIf(process.platform === 'win32').each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (signal, code) => {
  async function started(mode: string) {
    const child = program.start([mode]);
    if (child.stdout === null) throw new Error('no stdout');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('ready');
    return { child, lines, ended: once(child, 'exit') };
  }

  it(`ends a command with ${code}`, async () => {
    const { child, ended } = await started('plain');
    child.kill(signal);
    expect(await ended).toEqual([code, null]);
  });

  it('reaches a command that shuts down cleanly; a second one ends it at once', async () => {
    const { child, lines, ended } = await started('tidy');
    child.kill(signal);
    expect((await lines.next()).value).toBe(signal);
    expect(child.exitCode).toBeNull();
    child.kill(signal);
    expect(await ended).toEqual([code, null]);
  });
});
