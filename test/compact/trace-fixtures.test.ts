import { existsSync } from 'node:fs';
import { chmod, cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';
import { readBucketFile, type SessionRow, sessionRows } from './compacted.js';
import { readNamed, readSimple } from './trace-shape.js';

const trees = fileURLToPath(new URL('../../../shared/fixtures/harness', import.meta.url));
const homes: Readonly<Record<string, string>> = {
  'claude-code': '.claude',
  codex: '.codex',
  hermes: '.hermes',
  openclaw: '.openclaw',
};

/** Trees that the harnesses themselves wrote; a run without them says so by skipping. */
describe.skipIf(!existsSync(trees))(
  'real sessions, compacted (skipped where ../shared is absent)',
  () => {
    let world: CliWorld;
    let inHome: { readonly cwd: string };
    let raw: readonly SessionRow[];

    beforeAll(async () => {
      world = await createCliWorld();
      inHome = { cwd: world.home };
      for (const [harness, home] of Object.entries(homes)) {
        await cp(join(trees, harness), join(world.home, home), { recursive: true });
      }
      const legacy = join(trees, 'openclaw-legacy', 'agents', 'main');
      await cp(legacy, join(world.home, '.openclaw', 'agents', 'old'), { recursive: true });
      for (const path of ['', 'profiles', 'profiles/coder', 'state.db', 'state.db-wal']) {
        await chmod(join(world.home, '.hermes', path), 0o700);
      }
      expect(await world.run(['watch', '--once', '--all'], inHome)).toMatchObject({ code: 0 });
      const { json, code } = await world.runJson(['session', 'compact', '--all'], inHome);
      expect(code).toBe(0);
      raw = sessionRows(json);
    });

    afterAll(() => world.remove());

    it('are their joined parts, byte for byte', async () => {
      expect(new Set(raw.map(({ harness }) => harness))).toEqual(new Set(Object.keys(homes)));
      for (const { key, parts, bytes } of raw) {
        const folder = key.slice(0, key.lastIndexOf('/'));
        const names = await readdir(join(world.stateFolder, 'bucket', folder));
        const bodies = names
          .filter((name) => name.startsWith('part-'))
          .sort()
          .map((name) => readBucketFile(world, `${folder}/${name}`));
        const joined = Buffer.concat(await Promise.all(bodies));
        expect(parts, key).toBe(bodies.length);
        expect(joined.length, key).toBe(bytes);
        expect(joined.equals(await readBucketFile(world, key)), key).toBe(true);
      }
    });

    it('of OpenClaw and Hermes become traces of the right format', async () => {
      const answer = await world.runJson(
        ['session', 'compact', '--all', '--format', 'trace'],
        inHome,
      );
      expect(answer).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('already are traces'),
      });
      const compacted = sessionRows(answer.json);
      const mapped = compacted.filter(({ format }) => format === 'trace');
      expect(new Set(mapped.map(({ harness }) => harness))).toEqual(
        new Set(['hermes', 'openclaw']),
      );
      for (const { key, state, harness } of mapped) {
        expect(state, key).toBe('written');
        const bytes = await readBucketFile(world, key);
        if (harness === 'openclaw') {
          const { header, rows } = readNamed(bytes);
          expect(header?.harness).toBe('openclaw');
          expect(rows.filter(({ type }) => type === 'message').length, key).toBeGreaterThan(0);
          continue;
        }
        const { header, messages } = readSimple(bytes);
        expect(header?.harness).toBe('hermes');
        const called = messages.flatMap(({ toolCalls = [] }) => toolCalls.map(({ id }) => id));
        for (const { role, toolCallId } of messages) {
          if (role === 'tool') expect(called, key).toContain(toolCallId);
        }
        expect(messages.length, key).toBeGreaterThan(0);
      }
      for (const { format, state, harness } of compacted) {
        if (format === 'raw') expect([harness, state]).toEqual([harness, 'unchanged']);
      }
    });

    it('are recognised by every viewer as what the sources are', async () => {
      expect(await world.run(['session', 'verify'], inHome)).toMatchObject({ code: 0 });
      expect(await world.run(['redact', 'scan'], inHome)).toMatchObject({ code: 0 });
    });
  },
);
