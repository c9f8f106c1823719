import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Removing, removeSession, restoreSession } from '../../src/app/session-removal.js';
import type { Bucket } from '../../src/bucket/bucket.js';
import { compactSession } from '../../src/compact/compact.js';
import { nodeIo } from '../../src/io.js';
import { encodeDocument } from '../../src/protocol/documents.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { MirrorRig, type Run } from '../support/mirror-rig.js';
import { type Death, Mortal } from '../support/mortal.js';
import { unarbitrated } from '../support/unarbitrated.js';

const cwd = '/home/alex/work';
const harness = 'claude-code';

let rig: MirrorRig;

beforeEach(async () => {
  rig = await MirrorRig.create();
});

afterEach(() => rig.remove());

function removing(bucket: Bucket = rig.bucket, folder = rig.stateFolder): Removing {
  return { bucket, layout: rig.layout, io: nodeIo, folder, agent: 'cleaner' };
}

function rows(id: string, count: number, text = 'row'): string[] {
  return Array.from({ length: count }, (_, n) =>
    lineOf(userRow(`${text} ${n}`, { sessionId: id, cwd })),
  );
}

/** A session with a sub-agent, and another that nothing happens to. */
async function twoSessions(): Promise<{ readonly gone: string; readonly other: string }> {
  const [gone, other] = [sessionUuid(), sessionUuid()];
  for (const id of [gone, other]) {
    await rig.tree.session(cwd, id).append(...rows(id, 5));
    await rig.tree.subagent(cwd, id, 'a1').append(...rows(id, 3));
  }
  return { gone, other };
}

async function keysOf(id: string): Promise<readonly string[]> {
  return (await rig.keys()).filter((key) => key.includes(`/${harness}/${id}/`));
}

async function eventsOf(type: string): Promise<number> {
  let count = 0;
  for (const key of await rig.keys(rig.layout.events())) {
    const body = (await rig.bucket.get(key))?.body;
    if (body?.includes(`"type": "${type}"`)) count += 1;
  }
  return count;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('removing a session', () => {
  it('deletes all its objects, compacted copies included, and no other session', async () => {
    const { gone, other } = await twoSessions();
    await rig.once().ended;
    for (const format of ['raw', 'trace'] as const) {
      await rig.bucket.put(rig.layout.compacted(harness, gone, format), Buffer.from('{}\n'));
      await rig.bucket.put(rig.layout.compaction(harness, gone, format), encodeDocument({}));
    }
    const index = rig.layout.index('00112233aabbccdd', 'live');
    const line = (id: string) =>
      `{"schema_version":2,"harness":"claude-code","session_id":"${id}"}\n`;
    await rig.bucket.put(index, Buffer.from(`odd\n${line(gone)}${line(other)}`));
    const before = await keysOf(other);
    const held = await keysOf(gone);
    expect(held.length).toBeGreaterThan(6);
    const { objects, bytes } = await removeSession(removing(), { harness, id: gone });
    expect(objects).toBe(held.length);
    expect(bytes).toBeGreaterThan(500);
    expect(await keysOf(gone)).toEqual([]);
    expect(await keysOf(other)).toEqual(before);
    expect(String((await rig.bucket.get(index))?.body)).toBe(`odd\n${line(other)}`);
    expect(await eventsOf('session.removed')).toBe(1);
    expect(await removeSession(removing(), { harness, id: gone })).toEqual({
      objects: 0,
      bytes: 0,
    });
    expect(await eventsOf('session.removed')).toBe(1);
  });

  it.each<Death>(['before', 'after', 'on-its-way'])(
    'killed at any request (%s) and run again, it completes and tells the log once',
    async (death) => {
      const { gone } = await twoSessions();
      const ref = { harness, id: gone };
      let deaths = 0;
      for (let at = 0; ; at += 1) {
        await rig.once().ended;
        const mortal = new Mortal(at, death);
        const context = { ...removing(mortal.bucket(rig.bucket)), io: mortal.io(nodeIo) };
        const done = removeSession(context, ref).then(() => 'done' as const);
        const end = await Promise.race([done, mortal.died.then(() => 'dead' as const)]);
        if (end === 'dead') {
          const isStarted = (await rig.keys(rig.layout.removals())).length > 0;
          deaths += 1;
          if (!isStarted) expect((await keysOf(gone)).length, `at ${at}`).toBe(3);
          await removeSession(removing(), ref);
          await mortal.arrive();
        }
        expect(await keysOf(gone), `at ${at}`).toEqual([]);
        await rig.once().ended;
        expect(await keysOf(gone), `at ${at}`).toEqual([]);
        expect(await eventsOf('session.removed'), `at ${at}`).toBe(1);
        if (end === 'done') break;
        for (const key of [
          ...(await rig.keys(rig.layout.removals())),
          ...(await rig.keys(rig.layout.events())),
        ])
          await rig.bucket.delete(key);
      }
      expect(deaths).toBeGreaterThan(10);
    },
    60_000,
  );

  it('works on a store that arbitrates nothing', async () => {
    const { gone } = await twoSessions();
    const bucket = unarbitrated(rig.bucket);
    await rig.once({ bucket }).ended;
    const ref = { harness, id: gone };
    await removeSession(removing(bucket), ref);
    await rig.once({ bucket }).ended;
    expect(await keysOf(gone)).toEqual([]);
    await restoreSession(removing(bucket), ref);
    await rig.once({ bucket }).ended;
    expect((await rig.verdicts()).get(`${gone}/`)).toMatchObject({ state: 'ok' });
  });

  it('keeps a compacted copy from coming back that was on its way', async () => {
    const { gone } = await twoSessions();
    await rig.once().ended;
    const ref = { harness, id: gone };
    const slow: Bucket = {
      ...rig.bucket,
      putFile: async (...args) => {
        await removeSession(removing(), ref);
        return rig.bucket.putFile(...args);
      },
    };
    const context = {
      layout: rig.layout,
      folder: `${rig.stateFolder}/scratch`,
      host: 'here',
      redactor: createRedactor(),
    };
    const target = { ...ref, format: 'raw' } as const;
    await expect(compactSession({ ...context, bucket: slow }, target)).rejects.toMatchObject({
      kind: 'refused',
    });
    expect(await keysOf(gone)).toEqual([]);
  });
});

describe('a mirror of a removed session', () => {
  it('on this machine drops it while it grows, and deletes what it has sent since', async () => {
    const { gone, other } = await twoSessions();
    const run = rig.watch({ sweepMs: 50 });
    await rig.untilLevel(10_000);
    const transcript = rig.tree.session(cwd, gone);
    await removeSession(removing(), { harness, id: gone });
    for (let n = 0; n < 10; n += 1) {
      await transcript.append(...rows(gone, 2, `later ${n}`));
      await rig.tree.session(cwd, other).append(...rows(other, 1, `later ${n}`));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    await until(async () => (await keysOf(gone)).length === 0);
    await rig.untilShipped(run, 2 * 8 + 10);
    expect(await run.end()).toEqual({ behind: [], rests: [] });
    expect(await keysOf(gone)).toEqual([]);
    expect((await rig.verdicts()).get(`${other}/`)).toMatchObject({ state: 'ok' });
    expect(run.troubles).toEqual([]);
  });

  it('on another machine asks before it fills what looks like a hole', async () => {
    const { gone } = await twoSessions();
    const elsewhere = `${rig.stateFolder}-elsewhere`;
    const run: Run = rig.watch({ sweepMs: 50 });
    await rig.untilLevel(10_000);
    await removeSession(removing(rig.bucket, elsewhere), { harness, id: gone });
    // Rewritten, so the watch compares it with the bucket, and finds everything missing.
    await writeFile(rig.tree.session(cwd, gone).path, rows(gone, 4, 'else').join(''));
    await until(async () => !(await isKnownHere(gone)));
    await run.end();
    expect(await keysOf(gone)).toEqual([]);
    expect(run.troubles).toEqual([]);
  });

  it('starts without it, deletes what a killed one has left, and forgets it', async () => {
    const { gone, other } = await twoSessions();
    await rig.once().ended;
    await removeSession(removing(rig.bucket, `${rig.stateFolder}-elsewhere`), {
      harness,
      id: gone,
    });
    await rig.bucket.put(`${rig.layout.session(harness, gone)}late.json`, Buffer.from('{}'));
    await rig.tree.session(cwd, gone).append(...rows(gone, 3));
    expect(await rig.once().ended).toEqual({ behind: [], rests: [] });
    expect(await keysOf(gone)).toEqual([]);
    expect(await isKnownHere(gone)).toBe(false);
    expect(await isKnownHere(other)).toBe(true);
    expect(await rig.once({ isThorough: true }).ended).toEqual({ behind: [], rests: [] });
    expect(await keysOf(gone)).toEqual([]);
  });

  it('takes it anew once it was restored, even while it runs', async () => {
    const { gone } = await twoSessions();
    const ref = { harness, id: gone };
    const run = rig.watch({ sweepMs: 50 });
    await rig.untilLevel(10_000);
    await removeSession(removing(), ref);
    await restoreSession(removing(), ref);
    await rig.untilLevel(10_000);
    await removeSession(removing(), ref);
    await until(async () => !(await isKnownHere(gone)));
    await restoreSession(removing(), ref);
    await rig.untilLevel(10_000);
    await run.end();
    expect(run.troubles).toEqual([]);
    expect([await eventsOf('session.removed'), await eventsOf('session.restored')]).toEqual([2, 2]);
    await expect(restoreSession(removing(), { harness, id: 'never' })).rejects.toMatchObject({
      kind: 'not-found',
    });
  });

  it('neither mirrors nor deletes what has a record that cannot be read', async () => {
    const { gone } = await twoSessions();
    await rig.once().ended;
    const before = await keysOf(gone);
    await rig.bucket.put(rig.layout.removal(harness, gone), Buffer.from('nonsense'));
    await rig.tree.session(cwd, gone).append(...rows(gone, 3));
    const run = rig.once();
    await run.ended;
    expect(await keysOf(gone)).toEqual(before);
    expect(run.troubles.map(({ message }) => message)).toEqual([
      expect.stringContaining('not a readable document'),
    ]);
  });
});

async function isKnownHere(id: string): Promise<boolean> {
  return (await nodeIo.stat(`${rig.stateFolder}/${harness}/${id}`)) !== undefined;
}
