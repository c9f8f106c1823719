import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { openScratch } from '../../src/compact/scratch.js';
import { destinationFolder, readProven, recordProven } from '../../src/config/destination.js';
import { parseConfig } from '../../src/config/schema.js';
import { openTrustStore } from '../../src/config/trust.js';
import { keepHeartbeat, refreshHeartbeat } from '../../src/coordination/agents/agents.js';
import { openHolderFiles } from '../../src/coordination/claims/holder-files.js';
import { openLastTimestamp } from '../../src/coordination/last-timestamp.js';
import { NotAllowedError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import { forgetSession, streamStatePath } from '../../src/mirror/state/stream-state.js';
import { openHookSignals, writeHookSignal } from '../../src/mirror/watch/hook-signals.js';
import { readHolder, takeWatchLock } from '../../src/mirror/watch/lock.js';
import { stepId } from '../../src/protocol/names.js';
import { openClawHandler } from '../../watchers/openclaw/hook.js';
import { claudeHook } from '../support/claude-hook.js';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { unarbitrated } from '../support/unarbitrated.js';
import { createOutside, linkKinds, type Outside, plant } from '../support/watched-outside.js';

const id = sessionUuid();
const agent = 'designer';

let rig: MirrorRig;
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let count = 0;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  rig = await MirrorRig.create();
});

afterEach(async () => {
  await rig.remove();
  await folder.remove();
});

const destination = (home: string): string =>
  destinationFolder(home, rig.bucket.location, 'project');

const trustContext = (home: string) => ({ home: '/nobody', env: { TRACECRAFT_HOME: home } });

function trustable(home: string) {
  return {
    path: join(home, '..', 'clone', '.tracecraft.json'),
    sha256: 'c'.repeat(64),
    folder: join(home, '..', 'clone'),
    document: parseConfig('', Buffer.from('{"backend":"s3","bucket":"b","project":"p"}')),
  };
}

const heldClaim = {
  agent,
  session_id: id,
  host: 'box',
  epoch: 1,
  claimed_at: null,
  ttl_s: 60,
  state: 'held',
  renewals: 0,
} as const;

const context = () => ({
  bucket: rig.bucket,
  layout: rig.layout,
  agent,
  host: 'here',
  sessionId: id,
  clock: systemClock,
});

let rows = 0;

async function mirrored(home: string, bucket = rig.bucket): Promise<void> {
  rows += 1;
  await rig.tree
    .session('-work', id)
    .append(lineOf(userRow(`row ${rows}`, { sessionId: id, cwd: '/work' })));
  await rig.once({ stateFolder: destination(home), bucket }).ended;
}

async function hookRuns(home: string): Promise<void> {
  const script = join(home, '..', 'hook.sh');
  await writeFile(script, claudeHook(join(home, 'spool')));
  const child = spawn('sh', [script, 'advanced'], { stdio: ['pipe', 'ignore', 'ignore'] });
  child.stdin?.end(JSON.stringify({ session_id: 's1', cwd: '/work' }));
  await once(child, 'exit');
}

async function openClawRuns(home: string): Promise<void> {
  const module = join(home, '..', 'handler.mjs');
  await writeFile(module, openClawHandler(join(home, 'spool')));
  const call = `import(${JSON.stringify(module)}).then((m) => m.default({ context: { sessionId: 's1' } }))`;
  await once(spawn(process.execPath, ['-e', call], { stdio: 'ignore' }), 'exit');
}

/** Everything that keeps something of ours on this machine. */
const operations: Readonly<Record<string, (home: string) => Promise<unknown>>> = {
  mirror: (home) => mirrored(home),
  'mirror without arbitration': (home) => mirrored(home, unarbitrated(rig.bucket)),
  forget: (home) => forgetSession(nodeIo, destination(home), 'claude-code', id),
  proven: async (home) => {
    await recordProven(nodeIo, destination(home), { putIfAbsent: true, putIfMatch: true });
    await readProven(nodeIo, destination(home));
  },
  'watch lock': async (home) => {
    const path = join(destination(home), 'watch.lock');
    await readHolder(path);
    const outcome = await takeWatchLock(path, new Date());
    if (outcome.held) await outcome.release();
  },
  scratch: async (home) => (await openScratch(join(destination(home), 'compact'))).remove(),
  'holder files': async (home) => {
    const holders = openHolderFiles(nodeIo, destination(home), { agent, place: id });
    const claim = { ...heldClaim, nonce: 'a'.repeat(32) };
    await holders.keep({ step: 'build', claim, etag: '"1"', sentAtMs: 0 });
    await holders.all();
    await holders.pruneOlder('build', 2);
    await holders.remove({ step: 'build', claim });
  },
  stamps: async (home) => {
    const record = openLastTimestamp(nodeIo, destination(home));
    await record.last();
    await record.remember(17n);
  },
  heartbeat: (home) =>
    refreshHeartbeat(context(), { io: nodeIo, folder: destination(home) }, { step: 'build' }),
  'kept heartbeat': (home) => keepHeartbeat(context(), { io: nodeIo, folder: destination(home) }),
  trust: (home) => openTrustStore(trustContext(home), nodeIo, systemClock).trust(trustable(home)),
  distrust: (home) =>
    openTrustStore(trustContext(home), nodeIo, systemClock).revoke(trustable(home).path),
  'list of trust': (home) => openTrustStore(trustContext(home), nodeIo, systemClock).list(),
  'dropped mark': (home) =>
    writeHookSignal(nodeIo, join(home, 'spool'), {
      harness: 'claude-code',
      kind: 'advanced',
      sessionId: 's1',
    }),
  spool: async (home) => {
    const hookSignals = openHookSignals(join(home, 'spool'), Date.now, () => undefined);
    for (const hookSignal of await hookSignals.waiting()) await hookSignals.take(hookSignal);
  },
  hook: hookRuns,
  "OpenClaw's hook": openClawRuns,
};
const names = Object.keys(operations);
const quick = names.filter((name) => name !== "OpenClaw's hook");

/** Below the state folder: every step that something above takes. */
function levelsOf(home: string): string[] {
  const own = destination(home);
  const main = streamStatePath(own, 'claude-code', id, '');
  const inOwn = [
    'capabilities.json',
    'claude-code',
    `claude-code/${id}`,
    'claims',
    `claims/${stepId('build')}`,
    `claims/${stepId('build')}/${agent}`,
    'compact',
    'compact/999999-aBcDeF',
    'heartbeats',
    `heartbeats/${agent}`,
    `heartbeats/${agent}/${id}`,
    'last-stamp',
    'watch.lock',
    'watch.lock.turn',
    `watch.lock.${process.pid}`,
  ].map((level) => join(own, level));
  const spool = join(home, 'spool');
  return [
    join(home, 'state'),
    own,
    ...inOwn,
    `${main}.json`,
    `${main}.parts`,
    `${main}.outbox`,
    join(home, 'trusted'),
    spool,
    join(spool, 'claude-code.s1.advanced'),
    join(spool, 'openclaw.s1.advanced'),
    join(spool, '.claude-code.4711'),
  ];
}

async function createPlace(): Promise<{ readonly home: string; readonly outside: Outside }> {
  count += 1;
  const base = join(folder.path, String(count));
  const home = join(base, 'home');
  await mkdir(home, { recursive: true });
  return { home, outside: await createOutside(join(base, 'outside')) };
}

async function runAll(home: string, order: readonly string[], outside: Outside): Promise<void> {
  const before = outside.look();
  for (const name of order) {
    // Each of them may refuse, in its own way; where it does not, it must have kept out all the same.
    await Promise.resolve(home)
      .then(operations[name])
      .catch((error: unknown) => error);
    expect(outside.look(), name).toBe(before);
  }
}

const scenes = fc.record({
  /** As a share of all levels. */
  level: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  kind: fc.constantFrom(...linkKinds),
  hasLived: fc.boolean(),
  order: fc.shuffledSubarray(quick, { minLength: 5 }),
});

describe('a link planted in the state folder', () => {
  it('leads no write outside, at any level', async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async ({ level, kind, hasLived, order }) => {
        const { home, outside } = await createPlace();
        if (hasLived) await runAll(home, quick, outside);
        const levels = levelsOf(home);
        const path = levels[Math.floor(level * levels.length)] ?? home;
        await rm(path, { recursive: true, force: true });
        await plant(path, kind, outside);
        await runAll(home, order, outside);
      }),
      { numRuns: 30, endOnFailure: true },
    );
  }, 120_000);

  it.each(linkKinds)(
    '(%s) in place of the signal folder or a signal stops every hook',
    async (kind) => {
      for (const level of [
        'spool',
        'spool/openclaw.s1.advanced',
        'spool/claude-code.s1.advanced',
      ]) {
        const { home, outside } = await createPlace();
        await plant(join(home, level), kind, outside);
        await runAll(home, ['hook', "OpenClaw's hook", 'dropped mark', 'spool'], outside);
      }
    },
  );

  it('is named by whatever needs that path', async () => {
    const { home, outside } = await createPlace();
    await plant(join(home, 'trusted'), 'folder', outside);
    const trusting = openTrustStore(trustContext(home), nodeIo, systemClock).trust(trustable(home));
    await expect(trusting).rejects.toThrow(NotAllowedError);
    await expect(trusting).rejects.toThrow(`${join(home, 'trusted')} is a symbolic link`);
    await plant(join(home, 'state'), 'folder', outside);
    expect(() => destination(home)).toThrow(`${join(home, 'state')} is a symbolic link`);
    const other = await createPlace();
    const compact = join(destination(other.home), 'compact');
    await plant(compact, 'folder', other.outside);
    await expect(openScratch(compact)).rejects.toThrow(`${compact} is a symbolic link`);
  });

  it('may be the state folder itself: its owner named it', async () => {
    const { home } = await createPlace();
    const alias = `${home}-alias`;
    await plant(alias, 'relative folder', { path: home, add: () => undefined, look: () => '' });
    await mirrored(alias);
    const record = openLastTimestamp(nodeIo, destination(alias));
    await record.remember(17n);
    expect(await openLastTimestamp(nodeIo, destination(home)).last()).toBe(17n);
  });
});
