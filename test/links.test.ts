import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { refuseLink } from '../src/links.js';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'tracecraft-links-')));
mkdirSync(join(root, 'a', 'b'), { recursive: true });
symlinkSync(join(root, 'a'), join(root, 'link'));
symlinkSync(join(root, 'nowhere'), join(root, 'a', 'dangling'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a path below the root', () => {
  it.each([
    `${root}/link`,
    `${root}/link/b`,
    `${root}//link/b`,
    `${root}/./link/b`,
    `${root}/a/../link/b`,
    `${root}/../${root.split('/').at(-1)}/link/b`,
    `${root}/a/b/../dangling`,
  ])('%s goes through a link', (path) => {
    expect(() => refuseLink(root, path)).toThrow('is a symbolic link');
  });

  it.each([
    root,
    `${root}/`,
    `${root}/a/b/new`,
    `${root}/link/../a`,
    `${root}/link/..`,
    `${root}x/link`,
    `${root}/../link`,
    join(root, '..'),
    '/',
  ])('%s goes through none', (path) => {
    expect(() => refuseLink(root, path)).not.toThrow();
  });
});
