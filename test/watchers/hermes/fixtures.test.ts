import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { nodeIo } from '../../../src/io.js';
import type { SessionFacts } from '../../../src/mirror/stream.js';
import { HermesWatcher } from '../../../watchers/hermes/watcher.js';
import { foldLines, tableRows } from '../../support/hermes-home.js';
import { createTemporaryFolder } from '../../support/temporary-folder.js';
import { allStreams } from '../contract.js';
import { chunkOf, plainLines } from '../reading.js';

const tree = fileURLToPath(new URL('../../../shared/fixtures/harness/hermes', import.meta.url));

/** The real sample trees, if they lie beside the repository. */
describe.skipIf(!existsSync(tree))(
  'a real tree of Hermes (skipped where ../shared is absent)',
  () => {
    let folder: string;
    let remove: () => Promise<void>;

    beforeAll(async () => {
      ({ path: folder, remove } = await createTemporaryFolder());
      const temporary = join(folder, 'tmp');
      folder = join(folder, 'hermes');
      mkdirSync(temporary);
      vi.stubEnv('TMPDIR', temporary);
      cpSync(tree, folder, { recursive: true });
      for (const path of ['', 'profiles', 'profiles/coder', 'state.db', 'state.db-wal']) {
        await chmod(join(folder, path), 0o700);
      }
    });

    afterAll(() => {
      vi.unstubAllEnvs();
      return remove();
    });

    it('is found completely, and folding the lines of each session gives its messages', async () => {
      const env = { HERMES_HOME: folder };
      const watcher = new HermesWatcher({ io: nodeIo, clock: systemClock, env, home: '/nowhere' });
      const streams = await allStreams(watcher);
      const before = await readdir(folder);
      const folded = new Map<string, readonly Record<string, unknown>[]>();
      const facts = new Map<string, SessionFacts>();
      for (const stream of streams) {
        const lines = plainLines(await chunkOf(stream));
        folded.set(stream.source, foldLines(lines));
        facts.set(
          stream.source,
          lines.reduce<SessionFacts>((known, line) => stream.facts(line, known), {}),
        );
      }
      expect(await readdir(folder)).toEqual(before);
      expect(before.sort()).toEqual(['profiles', 'state.db', 'state.db-wal']);
      expect(streams.length).toBeGreaterThan(4);
      const own = `${folder}/state.db#20261122_091640_ab12cd`;
      expect(facts.get(own)).toMatchObject({
        cwd: '/home/u/proj',
        model: 'anthropic/claude-sonnet-4.6',
        gitBranch: 'main',
      });
      for (const path of [join(folder, 'state.db'), join(folder, 'profiles/coder/state.db')]) {
        const database = new DatabaseSync(path);
        const sessions = database.prepare('SELECT id FROM sessions').all();
        for (const { id } of sessions) {
          expect(folded.get(`${path}#${id}`), id).toEqual(tableRows(database, String(id)));
        }
        database.close();
      }
    });
  },
);
