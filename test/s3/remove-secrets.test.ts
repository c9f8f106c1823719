import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findSecrets, listProject, type SecretSearch } from '../../src/app/bucket-secrets.js';
import { removeSecrets } from '../../src/app/remove-secrets.js';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openBucket } from '../../src/bucket/open.js';
import { patientRetry, withRetry } from '../../src/bucket/retry.js';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { systemClock } from '../../src/clock.js';
import { noRedaction } from '../../src/redact/redact.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { startHub } from '../support/hub/hub.js';
import { MirrorRig } from '../support/mirror-rig.js';
import { Mortal } from '../support/mortal.js';
import { plantedObjects, plantedToken, plantSecrets } from '../support/planted-secrets.js';
import { s3Servers } from '../support/s3-servers.js';

interface OpenStore {
  readonly bucket: Bucket;
  stop(): Promise<void>;
}

interface Store {
  readonly name: string;
  open(): Promise<OpenStore>;
}

const hub: Store = {
  name: 'the Hub',
  open: async () => {
    const server = await startHub();
    server.createBucket('ann/traces');
    const { endpoint } = server;
    const token = server.token({ name: 'ann', role: 'write' });
    const target = { backend: 'hf', bucket: 'ann/traces', endpoint, token } as const;
    return { bucket: await openBucket(target), stop: () => server.stop() };
  },
};

/** All stores, and a kill at every request; otherwise without the Hub, and with few kills. */
const isFull = process.env.TRACECRAFT_SOAK === 'full';
const stores: readonly Store[] = [
  ...s3Servers().map(({ name, start }) => ({
    name,
    open: async (): Promise<OpenStore> => {
      const { endpoint, bucket, accessKey, secretKey, region, stop } = await start();
      return { bucket: openS3Bucket({ endpoint, bucket, accessKey, secretKey, region }), stop };
    },
  })),
  ...(isFull ? [hub] : []),
];

const redactor = createRedactor();
const cwd = '/home/alex/work';
const killEvery = isFull ? 1 : 9;
/** Objects in one project: few, so that a kill repeats little work; together the projects have every kind. */
const perProject = 3;

describe.each(stores)('removing secrets from $name', ({ open }) => {
  let store: OpenStore;
  let bucket: Bucket;

  beforeAll(async () => {
    store = await open();
    bucket = withRetry(store.bucket, { ...patientRetry, clock: systemClock });
  }, 60_000);

  afterAll(async () => {
    await bucket.close();
    await store.stop();
  });

  function searchOf(rig: MirrorRig, through = rig.bucket): SecretSearch {
    return { bucket: through, layout: rig.layout, redactor, folder: rig.stateFolder };
  }

  async function fix(rig: MirrorRig, through?: Bucket): Promise<void> {
    const search = searchOf(rig, through);
    const findings = await findSecrets(search, await listProject(search.bucket, rig.layout));
    await removeSecrets({ ...search, agent: 'cleaner', withContents: true }, findings);
  }

  async function everything(rig: MirrorRig): Promise<string> {
    const texts: string[] = [];
    for (const key of await rig.keys(rig.layout.root)) {
      texts.push(key, String((await rig.bucket.get(key))?.body));
    }
    return texts.join('\n');
  }

  it('finds nothing of 200 secrets afterwards, while a watch goes on exactly once', async () => {
    const rig = await MirrorRig.create(bucket, `taken-${randomBytes(4).toString('hex')}`);
    try {
      const id = sessionUuid();
      const transcript = rig.tree.session(cwd, id);
      const rows = (from: number, count: number): string[] =>
        Array.from({ length: count }, (_, at) =>
          lineOf(userRow(`line ${from + at} ${plantedToken(from + at)}`, { sessionId: id, cwd })),
        );
      await transcript.append(...rows(0, 20));
      await rig.once({ redactor: noRedaction }).ended;
      const secrets = await plantSecrets(bucket, rig.layout, 12);
      expect(secrets.length).toBeGreaterThan(200);
      const run = rig.watch({ sweepMs: 100 });
      await run.started;
      const fixing = fix(rig);
      await transcript.append(...rows(20, 5));
      await fixing;
      await rig.untilShipped(run, 5);
      await transcript.append(...rows(25, 5));
      await rig.untilShipped(run, 10);
      await run.end();
      expect(run).toMatchObject({ generations: [], troubles: [] });
      const search = searchOf(rig);
      expect(await findSecrets(search, await listProject(bucket, rig.layout))).toEqual([]);
      const seen = await everything(rig);
      expect(secrets.filter((secret) => seen.includes(secret.slice(4, 20)))).toEqual([]);
      expect((await rig.verdicts()).get(`${id}/`)).toMatchObject({ state: 'ok', shippedLines: 30 });
    } finally {
      await rig.remove();
    }
  }, 120_000);

  const groups = Array.from({ length: plantedObjects / perProject }, (_, group) => group);

  it.each(groups)(
    'completes when it is run again, wherever it was killed: objects of group %i',
    async (group) => {
      let deaths = 0;
      for (let at = group % killEvery; ; at += killEvery) {
        const rig = await MirrorRig.create(bucket, `killed-${randomBytes(4).toString('hex')}`);
        try {
          const secrets = await plantSecrets(
            bucket,
            rig.layout,
            1,
            (object) => Math.floor(object / perProject) === group,
          );
          const mortal = new Mortal(at, at % 2 === 0 ? 'after' : 'before');
          const done = fix(rig, mortal.bucket(bucket)).then(() => 'done' as const);
          const end = await Promise.race([done, mortal.died.then(() => 'dead' as const)]);
          if (end === 'done') break;
          deaths += 1;
          await fix(rig);
          const seen = await everything(rig);
          expect(secrets.filter((secret) => seen.includes(secret.slice(4, 20)))).toEqual([]);
        } finally {
          await rig.remove();
        }
      }
      expect(deaths).toBeGreaterThan(0);
    },
    120_000,
  );
});
