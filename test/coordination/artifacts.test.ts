import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  findArtifacts,
  listArtifacts,
  resolveArtifact,
} from '../../src/coordination/artifacts/artifacts.js';
import {
  type DownloadReport,
  downloadArtifacts,
} from '../../src/coordination/artifacts/download.js';
import { openDownloadFolder } from '../../src/coordination/artifacts/download-folder.js';
import { findSources } from '../../src/coordination/artifacts/sources.js';
import { type UploadReport, uploadArtifacts } from '../../src/coordination/artifacts/upload.js';
import { NotAllowedError, NotFoundError, UsageError } from '../../src/errors.js';
import { type Io, nodeIo } from '../../src/io.js';
import { type ArtifactRig, rigKinds } from '../support/artifact-rig.js';

function sha256(body: Uint8Array | string): string {
  return createHash('sha256').update(body).digest('hex');
}

async function upload(
  rig: ArtifactRig,
  path: string,
  {
    step = 'build',
    recursive = false,
    io = nodeIo,
  }: { step?: string; recursive?: boolean; io?: Io } = {},
): Promise<UploadReport> {
  const { sources } = await findSources(io, join(rig.folder, path), { recursive });
  return uploadArtifacts(rig.context, io, { step, sources });
}

/** All artifacts of the step into a folder of that name. */
async function downloadAll(
  rig: ArtifactRig,
  to: string,
  { step = 'build', force = false }: { step?: string; force?: boolean } = {},
): Promise<DownloadReport> {
  const { artifacts } = await findArtifacts(rig.context, { step });
  const folder = await openDownloadFolder(join(rig.folder, to), { force });
  try {
    return await downloadArtifacts(rig.context, nodeIo, { artifacts, folder });
  } finally {
    await folder.close();
  }
}

/** Files below a folder, with their content. */
async function tree(folder: string): Promise<Record<string, string>> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = all.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const read = files.map(async (path) => [
    path.slice(folder.length + 1),
    (await readFile(path)).toString('latin1'),
  ]);
  return Object.fromEntries(await Promise.all(read));
}

describe.each(rigKinds())('artifacts in $name', (kind) => {
  let create: () => Promise<ArtifactRig>;
  let rig: ArtifactRig;

  beforeAll(async () => {
    create = await kind.start();
  });
  afterAll(() => kind.stop());
  beforeEach(async () => {
    rig = await create();
  });
  afterEach(() => rig.remove());

  it('are uploaded with an event that describes them, listed with it, and downloaded verified', async () => {
    const body = randomBytes(5_000);
    await writeFile(join(rig.folder, 'patch-auth.diff'), body);
    const { uploaded, failed } = await upload(rig, 'patch-auth.diff');
    const key = rig.context.layout.artifact('build', 'patch-auth.diff');
    const about = { name: 'patch-auth.diff', size: 5_000, sha256: sha256(body) };
    expect({ uploaded, failed }).toEqual({
      uploaded: [{ step: 'build', key, ...about }],
      failed: [],
    });
    expect(await rig.events()).toEqual([
      {
        schema: 1,
        id: expect.stringMatching(/^[0-9a-f]{8}$/),
        type: 'artifact.uploaded',
        agent: 'designer',
        at: expect.stringMatching(/Z$/),
        step: 'build',
        data: {
          ref: { key, id: about.sha256 },
          ...about,
          etag: (await rig.bucket.get(key))?.etag,
        },
      },
    ]);
    const { artifacts } = await listArtifacts(rig.context, {});
    expect(artifacts).toMatchObject([
      {
        step: 'build',
        ...{ name: about.name, size: 5_000 },
        upload: { agent: 'designer', sha256: about.sha256 },
      },
    ]);
    const { downloaded } = await downloadAll(rig, 'back');
    expect(downloaded).toMatchObject([{ ...about, verified: true }]);
    expect(await readFile(join(rig.folder, 'back', 'patch-auth.diff'))).toEqual(body);
  });

  it('may be empty', async () => {
    await writeFile(join(rig.folder, 'empty'), '');
    await upload(rig, 'empty');
    const { downloaded } = await downloadAll(rig, 'back');
    expect(downloaded).toMatchObject([{ size: 0, sha256: sha256(''), verified: true }]);
    expect(await tree(join(rig.folder, 'back'))).toEqual({ empty: '' });
  });

  it('may exceed 16 MiB, sent in parts', async () => {
    const body = randomBytes(17 * 1024 * 1024);
    await writeFile(join(rig.folder, 'large.bin'), body);
    const seen: number[] = [];
    const { sources } = await findSources(nodeIo, join(rig.folder, 'large.bin'), {
      recursive: false,
    });
    await uploadArtifacts(rig.context, nodeIo, {
      step: 'build',
      sources,
      onProgress: (bytes) => seen.push(bytes),
    });
    expect(seen.at(-1)).toBe(body.length);
    const { downloaded } = await downloadAll(rig, 'back');
    expect(downloaded).toMatchObject([{ size: body.length, sha256: sha256(body), verified: true }]);
  });

  it('are uploaded as a folder: every file under its path; links are skipped', async () => {
    const from = join(rig.folder, 'dist');
    await mkdir(join(from, 'pkg', 'deep'), { recursive: true });
    await writeFile(join(from, 'a.txt'), 'a');
    await writeFile(join(from, 'pkg', '__init__.py'), '');
    await writeFile(join(from, 'pkg', 'deep', 'ü [1]%#?.txt'), 'odd');
    await writeFile(join(from, '.tracecraft.json'), '{"secret_key": "x"}');
    await symlink('/etc/passwd', join(from, 'link'));
    const found = await findSources(nodeIo, from, { recursive: true });
    expect(found.passedOver.map(({ path }) => path).sort()).toEqual([
      join(from, '.tracecraft.json'),
      join(from, 'link'),
    ]);
    await upload(rig, 'dist', { recursive: true });
    await downloadAll(rig, 'back');
    expect(await tree(join(rig.folder, 'back'))).toEqual({
      'dist/a.txt': 'a',
      'dist/pkg/__init__.py': '',
      'dist/pkg/deep/ü [1]%#?.txt': 'odd',
    });
  });

  it('are not verified if nothing was recorded about them', async () => {
    const key = rig.context.layout.artifact('build', 'foreign.txt');
    await rig.bucket.put(key, Buffer.from('by another tool'));
    const { artifacts } = await listArtifacts(rig.context, {});
    expect(artifacts).toMatchObject([{ name: 'foreign.txt', size: 15, upload: undefined }]);
    const { downloaded } = await downloadAll(rig, 'back');
    expect(downloaded).toMatchObject([{ name: 'foreign.txt', verified: false }]);
  });

  it('are not compared with the record of an earlier content', async () => {
    const { layout } = rig.context;
    const key = layout.artifact('build', 'a.txt');
    const at = new Date((await rig.bucket.now()).getTime() - 30_000);
    const stamp = { timeNs: BigInt(at.getTime()) * 1_000_000n, agent: 'designer', id: '00000000' };
    const event = {
      type: 'artifact.uploaded',
      agent: 'designer',
      at: at.toISOString(),
      data: { ref: { key }, size: 5, sha256: sha256('first') },
    };
    await rig.bucket.put(layout.event(stamp), Buffer.from(JSON.stringify(event)));
    await rig.bucket.put(key, Buffer.from('other'));
    const { artifacts } = await listArtifacts(rig.context, {});
    expect(artifacts).toMatchObject([{ size: 5, upload: undefined }]);
    const { downloaded } = await downloadAll(rig, 'back');
    expect(downloaded).toMatchObject([{ sha256: sha256('other'), verified: false }]);
  });

  it('damaged after their upload are not kept', async () => {
    await writeFile(join(rig.folder, 'a.txt'), 'what I meant');
    await upload(rig, 'a.txt');
    const key = rig.context.layout.artifact('build', 'a.txt');
    await rig.bucket.put(key, Buffer.from('what is there'));
    // An event that comes after this content, and speaks of another.
    const [event] = await rig.events();
    const at = new Date((await rig.bucket.now()).getTime() + 5_000);
    const stamp = { timeNs: BigInt(at.getTime()) * 1_000_000n, agent: 'designer', id: '00000000' };
    await rig.bucket.put(
      rig.context.layout.event(stamp),
      Buffer.from(JSON.stringify({ ...event, at: at.toISOString() })),
    );
    const { downloaded, failed } = await downloadAll(rig, 'back');
    expect(downloaded).toEqual([]);
    expect(failed).toMatchObject([
      { error: { kind: 'damaged', message: expect.stringContaining('SHA-256 differs') } },
    ]);
    expect(await readdir(join(rig.folder, 'back'))).toEqual([]);
  });

  it('are replaced by a later upload of that name, which is then listed', async () => {
    await writeFile(join(rig.folder, 'a.txt'), 'first');
    await upload(rig, 'a.txt');
    await writeFile(join(rig.folder, 'a.txt'), 'again');
    await upload(rig, 'a.txt');
    const { artifacts } = await listArtifacts(rig.context, {});
    expect(artifacts).toMatchObject([{ upload: { sha256: sha256('again') } }]);
    const { downloaded } = await downloadAll(rig, 'back');
    expect(downloaded).toMatchObject([{ sha256: sha256('again'), verified: true }]);
  });

  it('uploaded twice at once are listed as stored', async () => {
    for (const text of ['one', 'two']) {
      await mkdir(join(rig.folder, text));
      await writeFile(join(rig.folder, text, 'a.txt'), text);
    }
    await Promise.all(['one', 'two'].map((text) => upload(rig, join(text, 'a.txt'))));
    const key = rig.context.layout.artifact('build', 'a.txt');
    const stored = await rig.bucket.get(key);
    const kept = await findArtifacts(rig.context, { withCopies: true });
    expect(kept.artifacts.map(({ name }) => name)).toEqual([
      'a.txt',
      expect.stringMatching(/^a\.txt~[0-9a-f]{12}$/),
    ]);
    const copy = await rig.bucket.get(kept.artifacts[1]?.key ?? '');
    expect([String(stored?.body), String(copy?.body)].sort()).toEqual(['one', 'two']);
    if (kind.name === 'a local bucket') return;
    const [listed] = (await listArtifacts(rig.context, {})).artifacts;
    expect(listed?.upload?.sha256).toBe(sha256(stored?.body ?? ''));
  });

  it('are found by the names shown in handoffs and listings', async () => {
    await writeFile(join(rig.folder, 'a.txt'), 'x');
    await upload(rig, 'a.txt', { step: 'S1.A' });
    expect(await resolveArtifact(rig.context, 's1-a/a.txt', undefined)).toMatchObject({
      step: 's1-a',
      name: 'a.txt',
    });
    await expect(resolveArtifact(rig.context, 'a.txt', undefined)).rejects.toThrow(NotFoundError);
    const shared = rig.context.layout.artifact('shared', 's1-a/a.txt');
    await rig.bucket.put(shared, Buffer.from('y'));
    await expect(resolveArtifact(rig.context, 's1-a/a.txt', undefined)).rejects.toThrow(UsageError);
    expect(await resolveArtifact(rig.context, 'a.txt', 's1-a')).toMatchObject({ step: 's1-a' });
  });

  it('planted under impossible names are reported and left alone', async () => {
    const { layout } = rig.context;
    await rig.bucket.put(`${layout.artifacts()}stray.txt`, Buffer.from('x'));
    await rig.bucket.put(`${layout.artifacts()}_meta/x`, Buffer.from('x'));
    await rig.bucket.put(`${layout.events()}${'9'.repeat(19)}_x_00000000.json`, Buffer.from('{'));
    const now = BigInt((await rig.bucket.now()).getTime()) * 1_000_000n;
    const broken = layout.event({ timeNs: now, agent: 'x', id: '00000000' });
    await rig.bucket.put(broken, Buffer.from('{"type": "artifact.uploaded", "data": 7}'));
    await writeFile(join(rig.folder, 'a.txt'), 'x');
    await upload(rig, 'a.txt');
    const { artifacts, strays, skipped } = await listArtifacts(rig.context, {});
    expect(artifacts).toMatchObject([{ name: 'a.txt', upload: { sha256: sha256('x') } }]);
    expect(strays).toEqual([`${layout.artifacts()}_meta/x`, `${layout.artifacts()}stray.txt`]);
    expect(skipped).toMatchObject([{ message: expect.stringContaining(broken) }]);
  });

  it('are downloaded only into the named folder, through no link', async () => {
    const outside = join(rig.folder, 'outside');
    const back = join(rig.folder, 'back');
    await mkdir(outside);
    await mkdir(back);
    await symlink(outside, join(back, 'sub'));
    await symlink(join(outside, 'target'), join(back, 'file.txt'));
    await symlink(join(rig.folder, 'nowhere'), join(back, 'gone'));
    for (const name of ['sub/x.txt', 'file.txt', 'gone/x.txt', 'ok/x.txt']) {
      await rig.bucket.put(rig.context.layout.artifact('build', name), Buffer.from('planted'));
    }
    const { downloaded, failed } = await downloadAll(rig, 'back');
    expect(downloaded.map(({ name }) => name)).toEqual(['ok/x.txt']);
    expect(failed.map(({ artifact }) => artifact.name)).toEqual([
      'file.txt',
      'gone/x.txt',
      'sub/x.txt',
    ]);
    expect(failed[1]?.error).toBeInstanceOf(NotAllowedError);
    // Even then the link is replaced and not followed.
    const forced = await downloadAll(rig, 'back', { force: true });
    expect(forced.downloaded.map(({ name }) => name)).toEqual(['file.txt', 'ok/x.txt']);
    expect(await readdir(outside)).toEqual([]);
    expect(await tree(back)).toEqual({ 'file.txt': 'planted', 'ok/x.txt': 'planted' });
  });

  it('replace no existing file unless told to', async () => {
    await writeFile(join(rig.folder, 'a.txt'), 'theirs');
    await upload(rig, 'a.txt');
    await mkdir(join(rig.folder, 'back'));
    await writeFile(join(rig.folder, 'back', 'a.txt'), 'mine');
    const { failed } = await downloadAll(rig, 'back');
    expect(failed).toMatchObject([
      { error: { kind: 'usage', hint: expect.stringContaining('--force') } },
    ]);
    expect(await tree(join(rig.folder, 'back'))).toEqual({ 'a.txt': 'mine' });
    await downloadAll(rig, 'back', { force: true });
    expect(await tree(join(rig.folder, 'back'))).toEqual({ 'a.txt': 'theirs' });
  });

  it('that change while they are sent are sent again until they are stable', async () => {
    const path = join(rig.folder, 'log.txt');
    await writeFile(path, 'one');
    const io = changingDuringReads(path, 1);
    const { uploaded } = await upload(rig, 'log.txt', { io });
    expect(uploaded).toMatchObject([{ sha256: sha256('one+') }]);
    // What an attempt left is no version that anyone saw.
    const { artifacts } = await findArtifacts(rig.context, { withCopies: true });
    expect(artifacts.map(({ name }) => name)).toEqual(['log.txt']);
    expect((await downloadAll(rig, 'back')).downloaded).toMatchObject([{ verified: true }]);
    const restless = await upload(rig, 'log.txt', { io: changingDuringReads(path, 99) });
    expect(restless.failed).toMatchObject([
      { error: { message: expect.stringContaining('changes while it is being sent') } },
    ]);
    expect(await rig.events()).toHaveLength(1);
  });
});

/** Somebody appends to the file after so many of its readings have begun. */
function changingDuringReads(path: string, times: number): Io {
  let left = times;
  return {
    ...nodeIo,
    open: async (name) => {
      const file = await nodeIo.open(name);
      if (name === path && left > 0) {
        left -= 1;
        await writeFile(path, '+', { flag: 'a' });
      }
      return file;
    },
  };
}
