import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { npm } from '../support/installed-package.js';
import { repositoryRoot } from '../support/run-cli.js';

const fileSchema = v.object({ path: v.string(), size: v.number(), mode: v.number() });
const packSchema = v.object({ files: v.array(fileSchema), unpackedSize: v.number() });
const manifestSchema = v.object({
  bin: v.record(v.string(), v.string()),
  exports: v.record(v.string(), v.union([v.string(), v.record(v.string(), v.unknown())])),
});

/** For every platform; Node has its own SQLite only from 22.16 on. */
const sqlite = 'dist/sqlite/wa-sqlite.wasm';

/** Everything that a user gets, and why: whatever else turns up in a package has no business there. */
const wanted = [
  /^package\.json$/,
  /^(README|CHANGELOG|SECURITY)\.md$/,
  /^LICENSE$/,
  /^THIRD-PARTY-LICENSES$/,
  /^bin\/run\.cjs$/,
  /^oclif\.manifest\.json$/,
  /^dist\/(cli|sdk)\.cjs$/,
  /^dist\/sdk\.(mjs|d\.mts|d\.cts)$/,
  /^dist\/commands\/([a-z-]+\/){0,2}[a-z-]+\.cjs$/,
  /^dist\/chunks\/[\w.-]+\.cjs$/,
  /^dist\/sqlite\/wa-sqlite\.wasm$/,
  /^docs\/[a-z0-9-]+\.md$/,
  /^man\/[a-z-]+\.1$/,
  /^skills\/tracecraft\/[\w/.-]+$/,
];
const mostBytes = 5_000_000;

let pack: v.InferOutput<typeof packSchema>;

beforeAll(async () => {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await npm(args, repositoryRoot);
  [pack] = v.parse(v.tuple([packSchema]), JSON.parse(stdout));
});

function textOf(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}

/** The files that an entry of `exports` leads to. */
function targets(entry: unknown): string[] {
  if (typeof entry === 'string') return [entry];
  return Object.values(Object(entry)).flatMap(targets);
}

describe('the package', () => {
  it('holds what users need and nothing else', () => {
    const paths = pack.files.map(({ path }) => path);
    expect(paths.filter((path) => !wanted.some((pattern) => pattern.test(path)))).toEqual([]);
    expect(paths).toContain('dist/commands/watch.cjs');
    expect(paths).toContain('THIRD-PARTY-LICENSES');
    expect(paths).toContain(sqlite);
  });

  it('has every file that its manifest names', () => {
    const manifest = v.parse(manifestSchema, JSON.parse(textOf('package.json')));
    const named = [...Object.values(manifest.bin), ...targets(manifest.exports)];
    const paths = new Set(pack.files.map(({ path }) => path));
    expect(named.map((path) => path.replace('./', '')).filter((path) => !paths.has(path))).toEqual(
      [],
    );
  });

  it('is small', () => {
    expect(pack.unpackedSize).toBeLessThan(mostBytes);
  });

  it('tells nothing of the machine that built it', () => {
    const told = pack.files.filter(({ path }) => {
      const text = textOf(path);
      return text.includes(repositoryRoot) || text.includes('sourceMappingURL=');
    });
    expect(told.map(({ path }) => path)).toEqual([]);
  });
});
