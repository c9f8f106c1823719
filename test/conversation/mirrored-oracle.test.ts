import { readFileSync } from 'node:fs';
import { chmod, cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { countsOf } from '../../src/conversation/counts.js';
import { readMeta } from '../../src/mirror/slots/session-listing.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { readConversation, type SessionStore } from '../../src/sessions/conversation.js';
import { hasSharedFixtures, sharedFolder } from '../support/fixture-streams.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

interface Expected {
  readonly harness: string;
  readonly fixture: string;
  readonly session: string;
  readonly stream: string;
  readonly usage?: unknown;
  readonly note?: unknown;
}

const oracle = join(sharedFolder, 'oracle/conversation.json');
const expectations: readonly Expected[] = hasSharedFixtures
  ? JSON.parse(readFileSync(oracle, 'utf8')).sessions
  : [];

/** Which tree is which harness's home; each root of the oracle is a machine of its own. */
const machines = {
  shared: {
    folder: 'harness',
    homes: {
      CLAUDE_CONFIG_DIR: 'claude-code',
      CODEX_HOME: 'codex',
      OPENCLAW_STATE_DIR: 'openclaw',
      HERMES_HOME: 'hermes',
    },
  },
  clients: {
    folder: 'harness-2026-11',
    homes: { CLAUDE_CONFIG_DIR: 'claude-code', CODEX_HOME: 'codex' },
  },
} as const;
type MachineName = keyof typeof machines;

/** Of some sessions the oracle does not tell the lineage at all. */
function withoutUntold(counts: object, expected: object): object {
  const isUntold = (name: string): boolean =>
    (name === 'parent' || name === 'is_subagent') && !Object.hasOwn(expected, name);
  return Object.fromEntries(Object.entries(counts).filter(([name]) => !isUntold(name)));
}

async function allowWriting(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
  }
}

async function mirror(name: MachineName): Promise<{ world: CliWorld; store: SessionStore }> {
  const { folder, homes } = machines[name];
  const world = await createCliWorld();
  const env: Record<string, string> = {};
  for (const [variable, tree] of Object.entries(homes)) {
    env[variable] = join(world.root, tree);
    await mkdir(join(world.root, tree));
    await cp(join(sharedFolder, 'fixtures', folder, tree), join(world.root, tree), {
      recursive: true,
    });
    await allowWriting(join(world.root, tree));
  }
  const watched = await world.run(['watch', '--once', '--all'], { cwd: world.home, env });
  if (watched.code !== 0 && watched.code !== 10) throw new Error(watched.stderr);
  const bucket = await openLocalBucket({ root: join(world.stateFolder, 'bucket') });
  return { world, store: { bucket, layout: bucketLayout('default') } };
}

describe.skipIf(!hasSharedFixtures)(
  'the oracle over a bucket into which "watch --once --all" mirrored all fixtures (skipped where ../shared is absent)',
  () => {
    const stores = new Map<string, SessionStore>();
    const worlds: CliWorld[] = [];

    beforeAll(async () => {
      for (const name of ['shared', 'clients'] as const) {
        const { world, store } = await mirror(name);
        worlds.push(world);
        stores.set(name, store);
      }
    }, 120_000);

    afterAll(async () => {
      for (const { bucket } of stores.values()) await bucket.close();
      for (const world of worlds) await world.remove();
    });

    it.each(expectations)('$harness $session $stream', async (expected) => {
      const { usage: _usage, note: _note, fixture, ...counts } = expected;
      const store = stores.get(fixture.split(':')[0] ?? '');
      if (store === undefined) throw new Error(`no machine for ${fixture}`);
      const { harness, session: id, stream } = expected;
      const meta = await readMeta(store.bucket, store.layout.meta(harness, id));
      const request = { session: { harness, id, meta }, stream };
      const told = countsOf(await readConversation(store, request));
      expect(withoutUntold(told, counts)).toEqual(counts);
    });
  },
);
