import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findSecrets, listProject, type SecretSearch } from '../../src/app/bucket-secrets.js';
import { removeSecrets } from '../../src/app/remove-secrets.js';
import type { Bucket } from '../../src/bucket/bucket.js';
import { createLocalBucketIfMissing, openLocalBucket } from '../../src/bucket/local/bucket.js';
import { encodeDocument } from '../../src/protocol/documents.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { noRedaction } from '../../src/redact/redact.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { HermesStore } from '../support/hermes-home.js';
import { MemoryStore } from '../support/memory-bucket.js';
import { MirrorRig } from '../support/mirror-rig.js';
import { type Death, Mortal } from '../support/mortal.js';
import { plantedToken, plantSecrets } from '../support/planted-secrets.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { unarbitrated } from '../support/unarbitrated.js';

const layout = bucketLayout('p');
const redactor = createRedactor();
function searchIn(bucket: Bucket): SecretSearch {
  return { bucket, layout, redactor, folder: '/nowhere' };
}

async function fix(bucket: Bucket) {
  const search = searchIn(bucket);
  const findings = await findSecrets(search, await listProject(bucket, search.layout));
  return removeSecrets({ ...search, agent: 'cleaner', withContents: true }, findings);
}

/** What anybody would see who reads the whole store. */
function everythingIn(store: MemoryStore): string {
  return [...store.objects].map(([key, { body }]) => `${key}\n${body.toString('utf8')}`).join('\n');
}

function expectClean(store: MemoryStore, secrets: readonly string[]): void {
  const seen = everythingIn(store);
  const leaks = secrets.filter((secret) => seen.includes(secret.slice(4, 20)));
  expect(leaks).toEqual([]);
}

describe('taking back', () => {
  it('leaves nothing of 200 secrets in any kind of object, and each object what it was', async () => {
    const store = new MemoryStore(true);
    const bucket = store.client();
    const secrets = await plantSecrets(bucket, layout, 12);
    expect(secrets.length).toBeGreaterThan(200);
    const before = new Map([...store.objects].map(([key, { body }]) => [key, body]));
    const outcomes = await fix(bucket);
    expect(outcomes.map(({ state }) => state)).toEqual(outcomes.map(() => 'fixed'));
    expect(outcomes).toHaveLength(15);
    expectClean(store, secrets);
    const again = await findSecrets(searchIn(bucket), await listProject(bucket, layout));
    expect(again).toEqual([]);
    for (const [key, body] of before) {
      const after = store.objects.get(key)?.body;
      if (key.includes('dump-')) {
        expect(after).toBeUndefined();
        continue;
      }
      const lines = (bytes: Buffer | undefined) => bytes?.toString('utf8').split('\n').length;
      expect(lines(after), key).toBe(lines(body));
      if (key.endsWith('.json')) JSON.parse(String(after));
    }
    const renamed = [...store.objects.keys()].filter((key) => key.includes('/shared/dump-'));
    expect(renamed).toEqual([layout.artifact('shared', 'dump-[REDACTED:github-token].txt')]);
    const told = [...store.objects].filter(([, { body }]) => body.includes('"secrets.redacted"'));
    expect(told).toHaveLength(1);
  });

  it.each<Death>(['before', 'after', 'on-its-way'])(
    'killed at any request (%s), it completes when it is run again',
    async (death) => {
      let deaths = 0;
      for (let at = 0; ; at += 1) {
        const store = new MemoryStore(true);
        const secrets = await plantSecrets(store.client(), layout, 1);
        const mortal = new Mortal(at, death);
        const done = fix(mortal.bucket(store.client())).then(() => 'done' as const);
        if ((await Promise.race([done, mortal.died.then(() => 'dead' as const)])) === 'done') break;
        deaths += 1;
        const wrote = [...store.objects.values()].some(({ body }) => body.includes('[REDACTED:'));
        const told = [...store.objects.values()].some(({ body }) =>
          body.includes('"secrets.redacted"'),
        );
        expect(told || !wrote, `at ${at}`).toBe(true);
        await fix(store.client());
        await mortal.arrive();
        expectClean(store, secrets);
        const artifacts = [...store.objects.keys()].filter((key) =>
          key.startsWith(layout.artifacts()),
        );
        expect(artifacts, `at ${at}`).toHaveLength(2);
      }
      expect(deaths).toBeGreaterThan(40);
    },
  );

  it('does not undo what somebody else writes meanwhile', async () => {
    const store = new MemoryStore(true);
    const key = layout.memory('k');
    await store.client().put(key, encodeDocument({ value: plantedToken(1), version: 1 }));
    let isFirst = true;
    const bucket: Bucket = {
      ...store.client(),
      putIfMatch: async (written, ...rest) => {
        if (isFirst) {
          isFirst = false;
          await store
            .client()
            .put(key, encodeDocument({ value: `new ${plantedToken(2)}`, version: 2 }));
        }
        return store.client().putIfMatch(written, ...rest);
      },
    };
    await fix(bucket);
    const value = JSON.parse(String(store.objects.get(key)?.body));
    expect(value).toEqual({ value: 'new [REDACTED:github-token]', version: 2 });
  });

  it('leaves what artifacts contain unless it is asked for, and never a file that is no text', async () => {
    const store = new MemoryStore(true);
    const bucket = store.client();
    const binary = Buffer.concat([Buffer.from([0, 1, 255]), Buffer.from(` ${plantedToken(3)} `)]);
    await bucket.put(layout.artifact('shared', 'a.txt'), Buffer.from(`${plantedToken(1)}\n`));
    await bucket.put(layout.artifact('shared', 'b.bin'), binary);
    const search = searchIn(bucket);
    const findings = await findSecrets(search, await listProject(bucket, layout));
    const context = { ...search, agent: 'cleaner', withContents: false };
    const kept = await removeSecrets(context, findings);
    expect(kept.map(({ state }) => state)).toEqual(['left', 'left']);
    expect(store.objects.size).toBe(2);
    const asked = await removeSecrets({ ...context, withContents: true }, findings);
    expect(asked).toMatchObject([
      { state: 'fixed' },
      { state: 'left', reason: expect.stringContaining('not text') },
    ]);
    expect(store.objects.get(layout.artifact('shared', 'b.bin'))?.body).toEqual(binary);
  });
});

describe('taking back elsewhere', () => {
  it('goes by way of the disk where an object is too large for memory', async () => {
    const { path, remove } = await createTemporaryFolder();
    try {
      const root = join(path, 'bucket');
      await createLocalBucketIfMissing(root);
      const bucket = await openLocalBucket({ root });
      const key = layout.compacted('h', 's', 'raw');
      const clean = `{"text":"${'words '.repeat(20_000)}"}\n`.repeat(10);
      const withSecret = (text: string): string => `{"a":"${text}"}\n${clean}{"b":"${text}"}\n`;
      await bucket.put(key, Buffer.from(withSecret(plantedToken(1))));
      const search = { ...searchIn(bucket), folder: join(path, 'state') };
      // What decides is the size in the listing.
      const objects = [{ key, size: 64 << 20 }];
      const findings = await findSecrets(search, objects);
      expect(findings).toMatchObject([{ key, redactions: { 'github-token': 2 } }]);
      const context = { ...search, agent: 'cleaner', withContents: false };
      expect(await removeSecrets(context, findings)).toMatchObject([{ state: 'fixed' }]);
      const stored = await bucket.get(key);
      const expected = Buffer.from(withSecret('[REDACTED:github-token]'));
      expect(stored?.body.equals(expected)).toBe(true);
      expect(await readdir(search.folder)).toEqual([]);
    } finally {
      await remove();
    }
  });

  it('works on a store that arbitrates nothing', async () => {
    const store = new MemoryStore(true);
    const secrets = await plantSecrets(store.client(), layout, 2);
    const outcomes = await fix(unarbitrated(store.client()));
    expect(outcomes.filter(({ state }) => state !== 'fixed')).toEqual([]);
    expectClean(store, secrets);
  });

  it('leaves JSON whose form would not survive, and says so', async () => {
    const store = new MemoryStore(true);
    const body = encodeDocument({ value: { [plantedToken(1)]: 1, [plantedToken(2)]: 2 } });
    await store.client().put(layout.memory('k'), body);
    expect(await fix(store.client())).toMatchObject([
      { state: 'left', reason: expect.stringContaining('make it unreadable') },
    ]);
    expect(store.objects.get(layout.memory('k'))?.body).toEqual(body);
  });
});

describe('a watch', () => {
  it('goes on through it: no new generation, nothing twice, and its source agrees', async () => {
    const rig = await MirrorRig.create();
    try {
      const cwd = '/home/alex/work';
      const id = sessionUuid();
      const transcript = rig.tree.session(cwd, id);
      const rows = (from: number, count: number): string[] =>
        Array.from({ length: count }, (_, at) =>
          lineOf(userRow(`line ${from + at} ${plantedToken(from + at)}`, { sessionId: id, cwd })),
        );
      await transcript.append(...rows(0, 20));
      await rig.once({ redactor: noRedaction }).ended;
      await transcript.append(...rows(20, 5));
      const run = rig.watch({ sweepMs: 100 });
      await rig.untilShipped(run, 5);
      const search: SecretSearch = {
        bucket: rig.bucket,
        layout: rig.layout,
        redactor,
        folder: rig.stateFolder,
      };
      const findings = await findSecrets(search, await listProject(rig.bucket, rig.layout));
      expect(findings.map(({ key }) => key).join()).toMatch(/part-00000-.*\.jsonl/);
      const fixing = removeSecrets({ ...search, agent: 'cleaner', withContents: false }, findings);
      await transcript.append(...rows(25, 5));
      await fixing;
      await rig.untilShipped(run, 10);
      await transcript.append(...rows(30, 5));
      await rig.untilShipped(run, 15);
      await run.end();
      expect(run).toMatchObject({ generations: [], troubles: [] });
      const verdict = (await rig.verdicts()).get(`${id}/`);
      expect(verdict).toMatchObject({ state: 'ok', generation: 0, shippedLines: 35 });
      const forgetful = rig.once({ stateFolder: `${rig.stateFolder}-new`, isThorough: true });
      await forgetful.ended;
      expect(forgetful).toMatchObject({ parts: [], generations: [], troubles: [] });
      expect(await findSecrets(search, await listProject(rig.bucket, rig.layout))).toEqual([]);
    } finally {
      await rig.remove();
    }
  }, 30_000);

  it('sends no row of a database again, whether it remembers what it sent or not', async () => {
    const rig = await MirrorRig.create();
    const folder = join(rig.tree.home, '.hermes');
    await mkdir(folder);
    const store = new HermesStore(join(folder, 'state.db'));
    try {
      store
        .session('s')
        .say('s', 'user', `it is ${plantedToken(1)}`)
        .say('s', 'assistant', 'thanks');
      await rig.once({ redactor: noRedaction }).ended;
      const { bucket } = rig;
      const search = { bucket, layout: rig.layout, redactor, folder: rig.stateFolder };
      const findings = await findSecrets(search, await listProject(bucket, rig.layout));
      expect(findings.map(({ key }) => key).join()).toContain('part-00000-');
      await removeSecrets({ ...search, agent: 'cleaner', withContents: false }, findings);
      for (const stateFolder of [rig.stateFolder, `${rig.stateFolder}-new`]) {
        const run = rig.once({ stateFolder, isThorough: true });
        expect(await run.ended).toEqual({ behind: [], rests: [] });
        expect(run).toMatchObject({ parts: [], generations: [], troubles: [] });
      }
      expect([...(await rig.verdicts()).values()].map(({ state }) => state)).toEqual(['ok']);
      expect(await findSecrets(search, await listProject(bucket, rig.layout))).toEqual([]);
    } finally {
      store.close();
      await rig.remove();
    }
  }, 30_000);
});
