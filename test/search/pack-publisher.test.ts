import { expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { partName } from '../../src/protocol/parts.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { changePurgeMark } from '../../src/search/published/purge-mark.js';
import { withCounts } from '../support/counting-bucket.js';
import { Mortal } from '../support/mortal.js';
import { layout, minute, SharedRig, said } from './shared-rig.js';

const [one, two] = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'];
/** Of all requests that a publisher makes, killed at each so-many-th. */
const stride = Number(process.env.KILL_STRIDE ?? 6);
const patience = () => new AbortController().signal;
const folder = 'sessions/claude-code/s1';
const parts = async (
  rig: SharedRig,
  publisher: ReturnType<SharedRig['publisher']>,
  count: number,
  place = folder,
) => {
  for (let n = 0; n < count; n += 1) {
    await rig.send(publisher, place, [said(`row ${n} of checkout_total`), said(`more ${n}`)]);
  }
};

it('makes one pack of what was sent, which answers for every machine', async () => {
  const rig = new SharedRig();
  const publisher = rig.publisher(one);
  await parts(rig, publisher, 20);
  const scanned = await rig.search(['checkout']);
  await publisher.finish(patience());
  expect(rig.packKeys()).toHaveLength(1);
  const packed = await rig.search(['checkout']);
  expect(packed.found).toEqual(scanned.found);
  expect([scanned.scannedBytes > 0, packed.scannedBytes]).toEqual([true, 0]);
});

it('takes one request for the pack, one for the purge mark, and one per stream that becomes active', async () => {
  const rig = new SharedRig();
  const bucket = withCounts(rig.bucket);
  const stop = new AbortController();
  const publisher = rig.publisher(one, { bucket });
  const running = publisher.run(stop.signal);
  let before = { ...bucket.counts() };
  for (let quarter = 0; quarter < 5; quarter += 1) {
    await parts(rig, publisher, 3);
    await parts(rig, publisher, 2, 'streams/claude-code/s1/subagents/agent-1');
    rig.advance(15 * minute - 1);
    expect(rig.packKeys()).toHaveLength(quarter);
    rig.advance(1);
    await expect.poll(() => rig.packKeys().length).toBe(quarter + 1);
    await expect.poll(() => bucket.counts().get - before.get).toBeGreaterThan(0);
    const counts = bucket.counts();
    const spent = { put: counts.put - before.put, get: counts.get - before.get };
    // The first pack also asks what this machine published before, and for both streams.
    const isFirst = quarter === 0;
    expect(counts.list - before.list).toBe(isFirst ? 3 : 0);
    expect(spent).toEqual({ put: 1, get: isFirst ? 2 : 1 });
    await new Promise((resolve) => setImmediate(resolve));
    before = { ...bucket.counts() };
  }
  stop.abort();
  await running;
});

it('joins small packs, and loses nothing', async () => {
  const rig = new SharedRig();
  const publisher = rig.publisher(one);
  for (let n = 0; n < 16; n += 1) {
    await parts(rig, publisher, 16, `sessions/codex/s${n}`);
    await publisher.finish(patience());
  }
  expect(rig.packKeys()).toHaveLength(1);
  const scanned = await rig.search(['row', '7'], { isScan: true });
  expect(await rig.search(['row', '7'])).toEqual({ found: scanned.found, scannedBytes: 0 });
});

it.each(['before', 'after'] as const)(
  'may be killed at any request (%s it is applied), and the next run goes on',
  async (death) => {
    const rig = new SharedRig();
    const earlier = rig.publisher(one);
    for (let n = 0; n < 15; n += 1) {
      await parts(rig, earlier, 16, `sessions/codex/s${n}`);
      await earlier.finish(patience());
    }
    const before = rig.store.copy();
    let deaths = 0;
    for (let at = 0; ; at += stride) {
      rig.store.restore(before);
      const mortal = new Mortal(at, death);
      const dying = rig.publisher(one, { bucket: mortal.bucket(rig.bucket) });
      await parts(rig, dying, 16, `sessions/codex/dying${at}`);
      const end = await Promise.race([dying.finish(patience()), mortal.died.then(() => 'dead')]);
      const scanned = await rig.search(['row', '3'], { isScan: true });
      expect((await rig.search(['row', '3'])).found).toEqual(scanned.found);
      const next = rig.publisher(one);
      await parts(rig, next, 16, `sessions/codex/next${at}`);
      await next.finish(patience());
      const all = await rig.search(['row', '4'], { isScan: true });
      expect((await rig.search(['row', '4'])).found).toEqual(all.found);
      if (end === undefined) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(20 / stride);
  },
);

it.each([1, 2, 3, 4, 5, 6])(
  'loses nothing when two processes of a machine merge at once (%i)',
  async (seed) => {
    const rig = new SharedRig();
    const earlier = rig.publisher(one);
    for (let n = 0; n < 15; n += 1) {
      await parts(rig, earlier, 16, `sessions/codex/s${n}`);
      await earlier.finish(patience());
    }
    let state = seed;
    const gate = async (): Promise<void> => {
      state = (state * 48_271) % 2_147_483_647;
      for (let turns = state % 5; turns > 0; turns -= 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const racers = ['left', 'right'].map((name) => ({
      name,
      publisher: rig.publisher(one, { bucket: rig.store.client({ gate }) }),
    }));
    for (const { name, publisher } of racers) {
      await parts(rig, publisher, 16, `sessions/codex/${name}`);
    }
    await Promise.all(racers.map(({ publisher }) => publisher.finish(patience())));
    const scanned = await rig.search(['row', '7'], { isScan: true });
    expect(await rig.search(['row', '7'])).toEqual({ found: scanned.found, scannedBytes: 0 });
    expect(rig.packKeys().length).toBeLessThan(5);
  },
);

it('lists only what it sent, in streams of a million parts together', async () => {
  const rig = new SharedRig();
  const before = 99_980;
  let listed = 0;
  async function* crowded(...[prefix, options = {}]: Parameters<Bucket['list']>) {
    const isStream = prefix.startsWith(`${layout.root}sessions/`);
    for (let n = 0; isStream && n < before; n += 1) {
      const key = `${prefix}${partName(n, 0, 2 * n)}`;
      if (key <= (options.after ?? '')) continue;
      listed += 1;
      yield { kind: 'object' as const, key, size: 1, modifiedAt: new Date(0) };
    }
    for await (const entry of rig.bucket.list(prefix, options)) {
      if (isStream) listed += 1;
      yield entry;
    }
  }
  const publisher = rig.publisher(one, { bucket: { ...rig.bucket, list: crowded } });
  for (let n = 0; n < 10; n += 1) {
    const place = `sessions/codex/long${n}`;
    rig.continueFrom(place, { lines: 2 * before, parts: before, generation: 0 });
    await parts(rig, publisher, 8, place);
  }
  await publisher.finish(patience());
  expect(rig.packKeys()).toHaveLength(1);
  expect(listed).toBe(10 * 8);
});

it('packs nothing that was rewritten or removed since it was sent', async () => {
  for (const listsDigests of [true, false]) {
    const rig = new SharedRig({ listsDigests });
    const publisher = rig.publisher(one);
    const keys: string[] = [];
    for (let n = 0; n < 20; n += 1)
      keys.push(await rig.send(publisher, folder, [said(`pin ${n}9`)]));
    rig.advance(5_000);
    await rig.bucket.put(keys[3] ?? '', Buffer.from(`${said('pin ##')}\n`));
    await rig.bucket.delete(keys[7] ?? '');
    rig.advance(5_000);
    await publisher.finish(patience());
    const text = await rig.packedText();
    expect(text).toContain('pin 29');
    expect(text).not.toMatch(/pin [37]9/);
  }
});

it('asks once more for what it sent to a stream, after an hour without it or a purge', async () => {
  const rig = new SharedRig();
  const publisher = rig.publisher(one);
  const bare = 'sessions/codex/bare';
  for (const place of [folder, bare]) await parts(rig, publisher, 16, place);
  await publisher.finish(patience());
  const keys: string[] = [];
  for (let n = 0; n < 16; n += 1) keys.push(await rig.send(publisher, bare, [said(`pin ${n}9`)]));
  await changePurgeMark({ bucket: rig.bucket, layout });
  await rig.bucket.put(keys[3] ?? '', Buffer.from(`${said('pin ##')}\n`));
  await rig.bucket.delete(keys[7] ?? '');
  await changePurgeMark({ bucket: rig.bucket, layout });
  await publisher.finish(patience());
  expect(await rig.packedText()).not.toContain('pin');
  rig.advance(15 * minute);
  await publisher.finish(patience());
  expect(await rig.packedText()).toContain('pin 29');
  expect(await rig.packedText()).not.toMatch(/pin [37]9/);
  rig.advance(61 * minute);
  const late = await rig.send(publisher, bare, [said('pin late')]);
  await parts(rig, publisher, 16);
  await rig.bucket.delete(late);
  await publisher.finish(patience());
  expect(await rig.packedText()).not.toContain('late');
});

it('takes its pack back if a purge began while it was made', async () => {
  const rig = new SharedRig();
  let purge: () => Promise<void> = async () => undefined;
  const bucket = {
    ...rig.bucket,
    put: async (...call: Parameters<typeof rig.bucket.put>) => {
      await purge();
      return rig.bucket.put(...call);
    },
  };
  const publisher = rig.publisher(one, { bucket });
  await parts(rig, publisher, 16);
  await publisher.finish(patience());
  await parts(rig, publisher, 16, 'sessions/codex/gone');
  purge = async () => {
    await changePurgeMark({ bucket: rig.bucket, layout });
    for (const key of [...rig.store.objects.keys()]) {
      if (key.includes('/gone/')) await rig.bucket.delete(key);
    }
    expect(await rig.packs().forget((prefix) => prefix.includes('/gone/'))).toBe(0);
  };
  await publisher.finish(patience());
  expect(rig.packKeys()).toHaveLength(1);
  purge = async () => undefined;
  await parts(rig, publisher, 16);
  await publisher.finish(patience());
  expect(await rig.packs().forget((prefix) => prefix.includes('/gone/'))).toBe(0);
  expect((await rig.search(['checkout'])).scannedBytes).toBe(0);
});

it('forgets the packs of all machines that hold a stream', async () => {
  const rig = new SharedRig();
  for (const indexer of [one, two]) {
    const publisher = rig.publisher(indexer);
    await parts(rig, publisher, 16, `sessions/codex/of-${indexer}`);
    await publisher.finish(patience());
    await parts(rig, publisher, 16, `sessions/codex/both`);
    await publisher.finish(patience());
  }
  expect(await rig.packs().forget((prefix) => prefix === 'sessions/codex/both/')).toBe(2);
  const scanned = await rig.search(['checkout'], { isScan: true });
  const packed = await rig.search(['checkout']);
  expect(packed.found).toEqual(scanned.found);
  expect(packed.scannedBytes).toBe(scanned.scannedBytes / 2);
});

it('tells of a failing store once, and tries again a quarter of an hour later', async () => {
  const rig = new SharedRig();
  const told: string[] = [];
  let isDown = true;
  const bucket = {
    ...rig.bucket,
    put: async (...call: Parameters<typeof rig.bucket.put>) => {
      if (isDown) throw new Error('no room');
      return rig.bucket.put(...call);
    },
  };
  const stop = new AbortController();
  const publisher = rig.publisher(one, { bucket, onTrouble: ({ message }) => told.push(message) });
  const running = publisher.run(stop.signal);
  await parts(rig, publisher, 16);
  for (let quarter = 0; quarter < 3; quarter += 1) {
    rig.advance(15 * minute);
    await expect.poll(() => told).toEqual(['no room']);
  }
  expect(rig.packKeys()).toEqual([]);
  isDown = false;
  await expect
    .poll(() => {
      rig.advance(15 * minute);
      return rig.packKeys().length;
    })
    .toBe(1);
  stop.abort();
  await running;
  expect((await rig.search(['checkout'])).scannedBytes).toBe(0);
});

it('holds 16 MB at most, and says how much it left out', async () => {
  const rig = new SharedRig();
  const publisher = rig.publisher(one);
  const text = 'x'.repeat(2 ** 20 - said('').length - 1);
  for (let n = 0; n < 18; n += 1) await rig.send(publisher, folder, [said(text)]);
  expect(publisher.leftBytes).toBe(2 * 2 ** 20);
});

it('packs no part whose text shows a secret that its JSON hid', async () => {
  const rig = new SharedRig();
  const publisher = rig.publisher(one, { redactor: createRedactor() });
  await parts(rig, publisher, 16);
  const secret = `ghp_${'A1b2C3d4E5f6G7h8I9j0'.repeat(2).slice(0, 36)}`;
  const hidden = said(`token ${secret}`).replace('ghp_', '\\u0067hp_');
  await rig.send(publisher, folder, [hidden]);
  await publisher.finish(patience());
  expect(await rig.packedText()).not.toContain('token');
  const packed = await rig.search(['token']);
  expect(packed.found).toEqual((await rig.search(['token'], { isScan: true })).found);
  expect(packed.scannedBytes).toBe(hidden.length + 1);
});
