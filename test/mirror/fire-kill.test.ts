import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { createLocalBucketIfMissing, openLocalBucket } from '../../src/bucket/local/bucket.js';
import { nodeIo } from '../../src/io.js';
import { sessionUuid, userRow } from '../support/claude-tree.js';
import { hastyClock } from '../support/hasty-clock.js';
import { MirrorRig } from '../support/mirror-rig.js';
import { type Death, Mortal } from '../support/mortal.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { unarbitrated } from '../support/unarbitrated.js';

/** `npm run soak` dies at every call in every way; `npm test` where it matters: at writes, and now and then at others. */
const isFull = process.env.TRACECRAFT_SOAK === 'full';
const cwd = '/home/alex/work';
const clock = hastyClock(20);
const deaths: readonly Death[] = ['before', 'after', 'torn', 'on-its-way'];
const isWrite = /^(PUT|replaceFile|appendFile|remove)/;

/** Death before a write is death after the one before it. */
function waysToDie(calls: readonly string[], call: number): readonly Death[] {
  const name = calls[call] ?? '';
  if (isFull) return deaths;
  if (!isWrite.test(name)) return call % 16 === 0 ? ['before'] : [];
  const special = name.startsWith('PUT') ? 'on-its-way' : 'torn';
  return call % 2 === 0 ? ['after'] : [special];
}

const modes: readonly (readonly [string, (bucket: Bucket) => Bucket])[] = [
  ['slots', (bucket) => bucket],
  ['ranges', unarbitrated],
];

describe.each(modes)('the whole mirror, killed at each of its calls: %s', (_, inMode) => {
  let rig: MirrorRig;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let bucket: Bucket;
  const at = (name: string): string => join(folder.path, name);

  /** One life; it ends when its work does, or at its death. */
  async function live(mortal: Mortal): Promise<void> {
    const run = rig.once({
      bucket: mortal.bucket(inMode(bucket)),
      io: mortal.io(nodeIo),
      stateFolder: at('state'),
      clock,
    });
    await Promise.race([run.ended, mortal.died]);
  }

  async function contents(): Promise<ReadonlyMap<string, string>> {
    const stored = new Map<string, string>();
    for (const key of await rig.keys('project/s')) {
      if (!key.includes('/part-') && !key.includes('/gen-')) continue;
      const body = (await bucket.get(key))?.body.toString() ?? '';
      stored.set(key, key.includes('/gen-') ? 'a generation' : body);
    }
    return stored;
  }

  async function restore(): Promise<void> {
    for (const name of ['bucket', 'state']) {
      await rm(at(name), { recursive: true, force: true });
      await cp(at(`${name}-before`), at(name), { recursive: true });
    }
  }

  const rows = (id: string, from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => userRow(`row ${from + n}`, { sessionId: id, cwd }));

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    await createLocalBucketIfMissing(at('bucket'));
    bucket = await openLocalBucket({ root: at('bucket') });
    rig = await MirrorRig.create(bucket);
    const [grown, rewritten, fresh] = [sessionUuid(), sessionUuid(), sessionUuid()];
    const first = await rig.tree.session(cwd, grown).append(...rows(grown, 0, 4));
    const second = await rig.tree.session(cwd, rewritten).append(...rows(rewritten, 0, 4));
    await live(new Mortal());
    await first.append(...rows(grown, 4, 9));
    await writeFile(second.path, '');
    await second.append(...rows(rewritten, 2, 7));
    await rig.tree.session(cwd, fresh).append(...rows(fresh, 0, 3));
    await rig.tree.subagent(cwd, grown, 'a1').append(...rows(grown, 0, 3));
    for (const name of ['bucket', 'state']) {
      await cp(at(name), at(`${name}-before`), { recursive: true });
    }
  });

  afterAll(async () => {
    await rig.remove();
    await folder.remove();
  });

  it('nothing is lost or duplicated', async () => {
    const whole = new Mortal();
    await live(whole);
    const expected = await contents();
    expect([...(await rig.verdicts()).values()].map(({ state }) => state)).toEqual(
      Array(4).fill('ok'),
    );
    expect(new Set(whole.calls)).toContain('replaceFile');
    for (let call = 0; call < whole.calls.length; call += 1) {
      for (const death of waysToDie(whole.calls, call)) {
        await restore();
        const mortal = new Mortal(call, death);
        await live(mortal);
        await live(new Mortal());
        await mortal.arrive();
        if (death === 'on-its-way') await live(new Mortal());
        const what = `${death} call ${call} (${whole.calls[call]})`;
        expect(await contents(), what).toEqual(expected);
      }
    }
  }, 600_000);
});
