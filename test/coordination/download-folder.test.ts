import { execFileSync } from 'node:child_process';
import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type DownloadFolder,
  openDownloadFolder,
} from '../../src/coordination/artifacts/download-folder.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

let path = '';
let remove = async (): Promise<void> => undefined;
let folder: DownloadFolder;

beforeEach(async () => {
  ({ path, remove } = await createTemporaryFolder());
  await mkdir(join(path, 'to'));
  folder = await openDownloadFolder(join(path, 'to'), { force: false });
});

afterEach(async () => {
  await folder.close();
  await remove();
});

async function place(name: string): Promise<string> {
  const staged = folder.stage();
  await writeFile(staged, 'x', { mode: 0o600 });
  return folder.place(staged, name);
}

describe('a folder for downloads', () => {
  it.each(['../x', '/etc/x', 'a/../../x', 'a//x', './x', 'a\\..\\x', 'x\u0000y', 'x\ny', ''])(
    'refuses the name %j',
    async (name) => {
      await expect(folder.assertFree(name)).rejects.toMatchObject({ kind: 'usage' });
      await expect(place(name)).rejects.toMatchObject({ kind: 'usage' });
      expect(await readdir(path)).toEqual(['to']);
    },
  );

  it.each([
    '.tracecraft.json',
    'a/.Tracecraft.JSON',
    '.git/config',
    'a/.GIT/hooks/pre-push',
    'a/.g\u200cit/info/attributes',
    'a/.git',
  ])('places no config: %j', async (name) => {
    await expect(place(name)).rejects.toMatchObject({ kind: 'not-allowed' });
    expect(await readdir(join(path, 'to'))).not.toContain('a');
  });

  it('refuses a link that appeared after it had checked', async () => {
    await folder.assertFree('sub/x');
    await symlink(path, join(path, 'to', 'sub'));
    await expect(place('sub/x')).rejects.toMatchObject({ kind: 'not-allowed' });
    expect(await readdir(path)).toEqual(['to']);
  });

  it('refuses to replace a file that appeared after it had checked', async () => {
    await folder.assertFree('x');
    await writeFile(join(path, 'to', 'x'), 'mine');
    await expect(place('x')).rejects.toMatchObject({ kind: 'usage' });
    expect(await readFile(join(path, 'to', 'x'), 'utf8')).toBe('mine');
  });

  it('gives a name to one of many that want it at once', async () => {
    const files = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const staged = folder.stage();
        await writeFile(staged, String(n));
        return staged;
      }),
    );
    const outcomes = await Promise.allSettled(files.map((staged) => folder.place(staged, 'a/x')));
    const winners = outcomes.flatMap(({ status }, n) =>
      status === 'fulfilled' ? [String(n)] : [],
    );
    expect(winners).toEqual([await readFile(join(path, 'to', 'a', 'x'), 'utf8')]);
  });

  it('refuses a folder in place of the file, and a file in place of a folder', async () => {
    await mkdir(join(path, 'to', 'folder'));
    await writeFile(join(path, 'to', 'file'), '');
    await expect(place('folder')).rejects.toThrow('it is a folder');
    await expect(place('file/x')).rejects.toThrow('it is not a folder');
  });

  it('replaces no pipe and no device, not even with force', async () => {
    const forced = await openDownloadFolder(join(path, 'to'), { force: true });
    const pipe = join(path, 'to', 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(forced.assertFree('pipe')).rejects.toThrow('it is a pipe or a device');
    await forced.close();
    expect((await lstat(pipe)).isFIFO()).toBe(true);
  });

  it('keeps the file, and any folder made for it, private to its owner', async () => {
    const placed = await place('deep/x');
    expect((await stat(placed)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, 'to', 'deep'))).mode & 0o777).toBe(0o700);
  });

  it('leaves none of its own files behind', async () => {
    await writeFile(folder.stage(), 'half');
    await place('a/b');
    await folder.close();
    expect(await readdir(join(path, 'to'))).toEqual(['a']);
    expect(process.listeners('exit').map(({ name }) => name)).not.toContain('removeNow');
  });
});
