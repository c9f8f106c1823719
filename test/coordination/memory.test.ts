import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { withRetry } from '../../src/bucket/retry.js';
import { memoryHistory } from '../../src/coordination/memory/history.js';
import { deleteMemory, getMemory, setMemory } from '../../src/coordination/memory/memory.js';
import { listMemories } from '../../src/coordination/memory/read.js';
import { NotFoundError, UsageError } from '../../src/errors.js';
import { DocumentError } from '../../src/protocol/documents.js';
import { EagerClock } from '../support/eager-clock.js';
import { MailRig } from '../support/mail-rig.js';

const key = 'design.contract';

async function valuesOf(rig: MailRig): Promise<readonly (readonly [number, unknown])[]> {
  const { states } = await memoryHistory(rig.mailbox('reader'), key);
  return states.map(({ version, value, deleted }) => [version, deleted ? 'deleted' : value]);
}

describe('a memory', () => {
  it('is set, read, replaced and deleted; versions rise by one and never restart', async () => {
    const rig = new MailRig();
    const [designer, developer] = [rig.mailbox('designer'), rig.mailbox('developer')];
    const first = await setMemory(designer, key, { post: '/login' });
    expect(first).toMatchObject({ written: true, memory: { version: 1 }, isBestEffort: false });
    rig.advance(1);
    await setMemory(developer, key, 'two');
    rig.advance(1);
    await deleteMemory(designer, key);
    await expect(getMemory(designer, key)).rejects.toThrow('deleted by designer (version 3)');
    await expect(deleteMemory(designer, key)).rejects.toThrow(NotFoundError);
    rig.advance(1);
    await setMemory(developer, key, null);
    expect((await getMemory(designer, key)).memory).toEqual({
      key,
      value: null,
      version: 4,
      set_by: 'developer',
      set_at: new Date(rig.store.nowMs).toISOString(),
      deleted: false,
    });
    expect(await valuesOf(rig)).toEqual([
      [1, { post: '/login' }],
      [2, 'two'],
      [3, 'deleted'],
      [4, null],
    ]);
    const object = rig.layout.memory(key);
    expect(rig.events('memory.set')).toMatchObject([
      { agent: 'designer', data: { ref: { key: object, version: 1 }, value: { post: '/login' } } },
      { agent: 'developer', data: { ref: { key: object, version: 2 }, value: 'two' } },
      { agent: 'developer', data: { ref: { key: object, version: 4 }, value: null } },
    ]);
    expect(rig.events('memory.deleted')).toMatchObject([{ data: { ref: { version: 3 } } }]);
  });

  it('that was never set is not found', async () => {
    const rig = new MailRig();
    const reader = rig.mailbox('reader');
    await expect(getMemory(reader, key)).rejects.toThrow(NotFoundError);
    await expect(deleteMemory(reader, key)).rejects.toThrow(NotFoundError);
    await expect(memoryHistory(reader, key)).rejects.toThrow(NotFoundError);
  });

  it('is set only if absent, or only at a version, on request', async () => {
    const rig = new MailRig();
    const designer = rig.mailbox('designer');
    expect(await setMemory(designer, key, 1, { ifVersion: 1 })).toEqual({
      written: false,
      present: undefined,
    });
    expect((await setMemory(designer, key, 1, { ifAbsent: true })).written).toBe(true);
    const lost = { written: false, present: { version: 1, value: 1, set_by: 'designer' } };
    expect(await setMemory(designer, key, 2, { ifAbsent: true })).toMatchObject(lost);
    expect(await setMemory(designer, key, 2, { ifVersion: 0 })).toMatchObject(lost);
    expect(await deleteMemory(designer, key, { ifVersion: 2 })).toMatchObject(lost);
    expect((await setMemory(designer, key, 2, { ifVersion: 1 })).written).toBe(true);
    await deleteMemory(designer, key, { ifVersion: 2 });
    expect((await setMemory(designer, key, 3, { ifVersion: 0 })).written).toBe(false);
    expect(await setMemory(designer, key, 3, { ifAbsent: true })).toMatchObject({
      memory: { version: 4 },
    });
  });

  it('at one version gets one successor, however many try at once', async () => {
    const rig = new MailRig();
    await setMemory(rig.mailbox('designer'), key, 0);
    const agents = Array.from({ length: 32 }, (_, n) => `agent-${n}`);
    const results = await Promise.all(
      agents.map((agent) => setMemory(rig.mailbox(agent), key, agent, { ifVersion: 1 })),
    );
    const [winner, ...others] = results.filter(({ written }) => written);
    expect(others).toEqual([]);
    const { memory } = await getMemory(rig.mailbox('reader'), key);
    expect(winner).toMatchObject({ memory });
    for (const result of results) {
      if (!result.written) expect(result.present).toEqual(memory);
    }
  });

  it('takes every set of many at once, one after the other', async () => {
    const rig = new MailRig();
    const agents = Array.from({ length: 32 }, (_, n) => `agent-${n}`);
    await Promise.all(agents.map((agent) => setMemory(rig.mailbox(agent), key, agent)));
    const history = await valuesOf(rig);
    expect(history.map(([version]) => version)).toEqual(agents.map((_, n) => n + 1));
    expect(history.map(([, value]) => value).sort()).toEqual([...agents].sort());
    expect(rig.events('memory.set')).toHaveLength(32);
  });

  it('whose writer was stopped before writing the history is added to it later', async () => {
    for (let stop = 0; stop < 6; stop += 1) {
      const rig = new MailRig();
      await setMemory(rig.mailbox('designer'), key, 'first');
      rig.advance(1);
      await stopped(rig, stop);
      const present = (await getMemory(rig.mailbox('reader'), key)).memory.value;
      const history = await valuesOf(rig);
      expect(history.at(-1)?.[1]).toBe(present);
      rig.advance(1);
      await setMemory(rig.mailbox('designer'), key, 'last');
      expect(await valuesOf(rig)).toEqual([...history, [history.length + 1, 'last']]);
    }
  });

  it('is set once even if the answer to its write is lost', async () => {
    const rig = new MailRig();
    let puts = 0;
    const { bucket, ...rest } = rig.context('designer', undefined, {
      fate: () => {
        puts += 1;
        return puts === 1 ? 'applied-unanswered' : 'applied';
      },
    });
    const patient = withRetry(bucket, {
      clock: new EagerClock(),
      attempts: 4,
      baseMs: 1,
      maxMs: 1,
    });
    const result = await setMemory({ ...rest, bucket: patient }, key, 'x', { ifAbsent: true });
    expect(result).toMatchObject({ written: true, memory: { version: 1 } });
    expect(await valuesOf(rig)).toEqual([[1, 'x']]);
  });

  it('that was set, and replaced before its writer knew, counts as set', async () => {
    const rig = new MailRig();
    const other = rig.mailbox('other');
    let isFirst = true;
    const designer = rig.mailbox('designer', (bucket) => ({
      ...bucket,
      putIfAbsent: async (name, body) => {
        const outcome = await bucket.putIfAbsent(name, body);
        if (name !== rig.layout.memory(key) || !isFirst) return outcome;
        isFirst = false;
        await setMemory(other, key, 'theirs');
        return { written: false };
      },
    }));
    expect(await setMemory(designer, key, 'ours', { ifAbsent: true })).toMatchObject({
      written: true,
      memory: { version: 1 },
    });
    expect(await valuesOf(rig)).toEqual([
      [1, 'ours'],
      [2, 'theirs'],
    ]);
  });

  it('is set on a best-effort basis if the store does not arbitrate', async () => {
    const rig = new MailRig();
    const refuse = () => Promise.reject(new Error('not supported'));
    const plain = (bucket: Bucket): Bucket => ({
      ...bucket,
      capabilities: { putIfAbsent: false, putIfMatch: false },
      putIfAbsent: refuse,
      putIfMatch: refuse,
    });
    const designer = rig.mailbox('designer', plain);
    expect(await setMemory(designer, key, 1)).toMatchObject({ written: true, isBestEffort: true });
    expect((await setMemory(designer, key, 2, { ifVersion: 1 })).written).toBe(true);
    const overtaken = rig.mailbox('developer', (bucket) => ({
      ...plain(bucket),
      put: async (name, body) => {
        const written = await bucket.put(name, body);
        const other = { value: 'other', set_by: 'other', version: 3 };
        if (name === rig.layout.memory(key)) rig.put(name, JSON.stringify(other));
        return written;
      },
    }));
    expect(await setMemory(overtaken, key, 3, { ifVersion: 2 })).toMatchObject({
      written: false,
      present: { value: 'other' },
    });
  });
});

/** A set whose process ends before its n-th write. */
async function stopped(rig: MailRig, writes: number): Promise<void> {
  let left = writes;
  const dying = rig.mailbox('developer', (bucket) => {
    const alive = <T>(write: () => Promise<T>): Promise<T> => {
      left -= 1;
      return left < 0 ? Promise.reject(new Error('stopped')) : write();
    };
    return {
      ...bucket,
      put: (name, body) => alive(() => bucket.put(name, body)),
      putIfAbsent: (name, body) => alive(() => bucket.putIfAbsent(name, body)),
      putIfMatch: (name, body, etag) => alive(() => bucket.putIfMatch(name, body, etag)),
    };
  });
  await setMemory(dying, key, 'second').catch((error: Error) => {
    if (error.message !== 'stopped') throw error;
  });
}

describe('the older tool’s memory', () => {
  const slash = 'demo/memory/design/contract.json';
  const written = (value: unknown) => JSON.stringify({ value, set_by: 'old', version: 7 });

  it('is read, and continues under the dotted key, history included', async () => {
    const rig = new MailRig();
    const designer = rig.mailbox('designer');
    rig.put(slash, written('old'));
    expect((await getMemory(designer, key)).memory).toMatchObject({ value: 'old', version: 7 });
    expect(await valuesOf(rig)).toEqual([[7, 'old']]);
    rig.advance(1);
    await setMemory(designer, key, 'new', { ifVersion: 7 });
    expect((await getMemory(designer, key)).memory).toMatchObject({ value: 'new', version: 8 });
    expect(await valuesOf(rig)).toEqual([
      [7, 'old'],
      [8, 'new'],
    ]);
    const { memories } = await listMemories(designer);
    expect(memories).toMatchObject([{ key, value: 'new', version: 8 }]);
  });

  it('wins if newer; one from the same moment with a lower version does not', async () => {
    const rig = new MailRig();
    const designer = rig.mailbox('designer');
    for (let n = 0; n < 8; n += 1) await setMemory(designer, key, n);
    rig.put(slash, written('same moment'));
    expect((await getMemory(designer, key)).memory.value).toBe(7);
    expect((await listMemories(designer)).memories).toMatchObject([{ value: 7 }]);
    rig.advance(1);
    rig.put(slash, written('newer'));
    expect((await getMemory(designer, key)).memory.value).toBe('newer');
    expect((await listMemories(designer)).memories).toMatchObject([{ value: 'newer' }]);
    expect(await setMemory(designer, key, 'next')).toMatchObject({ memory: { version: 9 } });
  });

  const byOlderTool = (value: unknown) => JSON.stringify({ value, set_by: 'old', set_at: 'now' });

  it('receives each of our values, and overwriting one makes the next version', async () => {
    const rig = new MailRig();
    const designer = rig.mailbox('designer');
    await setMemory(designer, key, 'ours');
    expect(rig.json(slash)).toMatchObject({ value: 'ours', version: 1 });
    rig.advance(1);
    rig.put(slash, byOlderTool('theirs'));
    const [{ memory }, listed] = [await getMemory(designer, key), await listMemories(designer)];
    expect([memory, ...listed.memories]).toMatchObject([
      { value: 'theirs', version: 2 },
      { value: 'theirs', version: 2 },
    ]);
    expect((await setMemory(designer, key, 'no', { ifVersion: 1 })).written).toBe(false);
    rig.advance(1);
    expect((await setMemory(designer, key, 'again', { ifVersion: 2 })).written).toBe(true);
    expect(rig.json(slash)).toMatchObject({ value: 'again', version: 3 });
    expect(await valuesOf(rig)).toEqual([
      [1, 'ours'],
      [2, 'theirs'],
      [3, 'again'],
    ]);
  });

  it('counts even in the second of our own write, and only until we replace it', async () => {
    const rig = new MailRig();
    const designer = rig.mailbox('designer');
    await setMemory(designer, key, 'ours');
    rig.put(slash, byOlderTool('theirs'));
    expect((await getMemory(designer, key)).memory).toMatchObject({ value: 'theirs', version: 2 });
    const stopped = rig.mailbox('designer', (bucket) => ({
      ...bucket,
      putIfMatch: (name, ...rest) =>
        name === slash ? Promise.reject(new Error('stopped')) : bucket.putIfMatch(name, ...rest),
    }));
    await expect(setMemory(stopped, key, 'again')).rejects.toThrow('stopped');
    expect((await getMemory(designer, key)).memory).toMatchObject({ value: 'again', version: 3 });
    expect((await listMemories(designer)).memories).toMatchObject([{ value: 'again' }]);
  });

  it('is not overwritten by our copy if it was written in the meantime', async () => {
    const rig = new MailRig();
    const slow = rig.mailbox('designer', (bucket) => ({
      ...bucket,
      putIfAbsent: async (name, ...rest) => {
        const outcome = await bucket.putIfAbsent(name, ...rest);
        rig.advance(1);
        if (name === rig.layout.memory(key)) rig.put(slash, byOlderTool('theirs'));
        return outcome;
      },
    }));
    await setMemory(slow, key, 'ours');
    expect(rig.json(slash)).toMatchObject({ value: 'theirs' });
    const reader = rig.mailbox('reader');
    expect((await getMemory(reader, key)).memory).toMatchObject({ value: 'theirs', version: 2 });
  });

  it('for a key without dots continues from the version it replaced', async () => {
    const rig = new MailRig();
    const designer = rig.mailbox('designer');
    for (const value of ['one', 'two']) {
      await setMemory(designer, 'stage', value);
      rig.advance(1);
    }
    rig.put(rig.layout.memory('stage'), byOlderTool('theirs'));
    expect((await getMemory(designer, 'stage')).memory).toMatchObject({ version: 3 });
    await setMemory(designer, 'stage', 'four', { ifVersion: 3 });
    const { states } = await memoryHistory(designer, 'stage');
    expect(states.map(({ version, value }) => [version, value])).toEqual([
      [1, 'one'],
      [2, 'two'],
      [3, 'theirs'],
      [4, 'four'],
    ]);
  });
});

describe('a list of memories', () => {
  it('has the current values, in order, by the beginning of the key', async () => {
    const rig = new MailRig();
    const designer = rig.mailbox('designer');
    for (const one of ['b', 'a.c', 'a.b', 'ab', 'gone']) await setMemory(designer, one, one);
    await deleteMemory(designer, 'gone');
    const keys = async (prefix?: string) =>
      (await listMemories(designer, prefix)).memories.map(({ key: one }) => one);
    expect(await keys()).toEqual(['a.b', 'a.c', 'ab', 'b']);
    expect(await keys('a')).toEqual(['a.b', 'a.c', 'ab']);
    expect(await keys('a.')).toEqual(['a.b', 'a.c']);
  });

  it('reports what it cannot read, and continues', async () => {
    const rig = new MailRig();
    const designer = rig.mailbox('designer');
    await setMemory(designer, 'good', 1);
    const bad = {
      'bad.json': 'not JSON',
      'deep.json': `{"value": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      'large.json': `{"value": "${'x'.repeat(17 << 20)}"}`,
      'version.json': '{"value": 1, "version": -1}',
    };
    for (const [name, body] of Object.entries(bad)) rig.put(`demo/memory/${name}`, body);
    for (const name of ['readme.txt', 'a/b.c.json', 'a/_b.json', '.json']) {
      rig.put(`demo/memory/${name}`, '{}');
    }
    const { memories, skipped, strays } = await listMemories(designer);
    expect(memories).toMatchObject([{ key: 'good' }]);
    for (const name of Object.keys(bad)) {
      expect(skipped.some(({ message }) => message.includes(`demo/memory/${name}`))).toBe(true);
      const one = name.slice(0, -'.json'.length);
      await expect(getMemory(designer, one)).rejects.toThrow(DocumentError);
      await expect(setMemory(designer, one, 2)).rejects.toThrow(DocumentError);
    }
    expect(skipped).toHaveLength(4);
    expect(strays).toHaveLength(4);
  });

  it('skips what it cannot read in a history', async () => {
    const rig = new MailRig();
    await setMemory(rig.mailbox('designer'), key, 1);
    const folder = rig.layout.memoryHistory(key);
    rig.put(`${folder}1767323045000000000_x_00000001.json`, 'not JSON');
    rig.put(`${folder}readme.json`, '{}');
    rig.put(rig.layout.memory(key), 'not JSON');
    const { states, skipped, strays } = await memoryHistory(rig.mailbox('reader'), key);
    expect(states).toMatchObject([{ version: 1, value: 1 }]);
    expect(skipped).toHaveLength(2);
    expect(strays).toEqual([`${folder}readme.json`]);
  });

  it.each(['../x', '_history', 'a/b', 'a..b', 'a.', 'a\u001b[31m', ''])(
    'a hostile key is refused: %j',
    (hostile) => {
      const reader = new MailRig().mailbox('reader');
      expect(() => setMemory(reader, hostile, 1)).toThrow(UsageError);
      expect(() => deleteMemory(reader, hostile)).toThrow(UsageError);
    },
  );
});
