import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import { BucketIdentity } from '../../src/mirror/state/bucket-identity.js';
import { sessionUuid, type Transcript, userRow } from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';
import { createCliWorld } from '../support/run-cli.js';

const cwd = '/srv/orchard';

describe('a bucket that is not the one that was mirrored into', () => {
  let rig: MirrorRig;
  let identity: BucketIdentity;
  let transcript: Transcript;
  const id = sessionUuid();

  beforeEach(async () => {
    rig = await MirrorRig.create();
    const { bucket, layout, stateFolder: folder } = rig;
    identity = new BucketIdentity({ bucket, layout, io: nodeIo, folder });
    transcript = await rig.tree.session(cwd, id).append(...rows('apple', 3));
  });

  afterEach(() => rig.remove());

  const rows = (name: string, count: number) =>
    Array.from({ length: count }, (_, n) => userRow(`${name} ${n}`, { sessionId: id, cwd }));

  const confirmBucket = () => identity.confirm();
  const once = () => rig.once({ confirmBucket }).ended;

  /** What a drive leaves that was unmounted: the folder that it was mounted on. */
  async function unmounted<Result>(meanwhile: () => Promise<Result>): Promise<Result> {
    const { location } = rig.bucket;
    const aside = `${location}-aside`;
    await rename(location, aside);
    await mkdir(join(location, '.tracecraft'), { recursive: true });
    const result = await meanwhile();
    await rm(location, { recursive: true });
    await rename(aside, location);
    return result;
  }

  it('gets its id from the first run, and keeps it', async () => {
    await once();
    const stored = await rig.bucket.get(rig.layout.identity());
    const document: unknown = JSON.parse(stored?.body.toString('utf8') ?? '');
    expect(document).toEqual({ schema: 1, id: expect.stringMatching(/^[a-f0-9]{32}$/) });
    await transcript.append(...rows('pear', 2));
    expect((await once()).behind).toEqual([]);
    expect((await rig.bucket.get(rig.layout.identity()))?.etag).toBe(stored?.etag);
  });

  it('is refused at start, and nothing is written to it', async () => {
    await once();
    const left = await unmounted(async () => {
      await expect(once()).rejects.toThrow(RefusedError);
      return rig.keys();
    });
    expect(left).toEqual([]);
    expect((await once()).behind).toEqual([]);
  });

  it('is refused if it has another id', async () => {
    await once();
    const { bucket, layout } = rig;
    await bucket.put(layout.identity(), Buffer.from(`{"schema":1,"id":"${'0d'.repeat(16)}"}`));
    await expect(once()).rejects.toThrow(/is not the bucket that was mirrored into/);
    await bucket.put(layout.identity(), Buffer.from('neither JSON nor an id'));
    await expect(once()).rejects.toThrow(RefusedError);
  });

  it('is accepted once someone says so', async () => {
    await once();
    for (const key of await rig.keys()) await rig.bucket.delete(key);
    await expect(once()).rejects.toThrow(RefusedError);
    await identity.accept();
    expect((await once()).behind).toEqual([]);
    expect([...(await rig.verdicts()).values()]).toMatchObject([{ state: 'ok', shippedLines: 3 }]);
  });

  it('is noticed by a running watch, and no gap is filled there', async () => {
    const run = rig.watch({ confirmBucket, sweepMs: 200 });
    await rig.untilShipped(run, 3);
    const keys = await unmounted(async () => {
      await transcript.append(...rows('plum', 2));
      await rig.untilShipped(run, 5);
      const { behind } = await run.end();
      expect(behind).toMatchObject([{ reason: expect.stringMatching(/does not hold what was/) }]);
      return rig.keys(rig.layout.session('claude-code', id));
    });
    expect(keys.filter((key) => key.includes('part-00000'))).toEqual([]);
    expect((await once()).behind).toEqual([]);
    expect([...(await rig.verdicts()).values()]).toMatchObject([{ state: 'ok', shippedLines: 5 }]);
  });
});

it('the command exits with 9, says what to do, and continues once that is done', async () => {
  const world = await createCliWorld();
  const id = sessionUuid();
  const project = join(world.home, '.claude', 'projects', '-srv-orchard');
  await mkdir(project, { recursive: true });
  await nodeIo.appendFile(join(project, `${id}.jsonl`), '{"type":"user","n":1}\n');
  const once = () => world.run(['watch', '--once'], { cwd: world.home });
  expect(await once()).toMatchObject({ code: 0 });
  const bucket = join(world.stateFolder, 'bucket');
  await rm(bucket, { recursive: true });
  await mkdir(bucket);
  const refused = await once();
  expect(refused.code).toBe(9);
  const path = /delete (\S+\/bucket\.json)/.exec(refused.stderr)?.[1] ?? '';
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ schema: 1 });
  await rm(path);
  expect(await once()).toMatchObject({ code: 0, stdout: expect.stringContaining('part-00000') });
  await world.remove();
});
