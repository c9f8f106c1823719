import { expect, it } from 'vitest';
import { keepPaths, withoutLocalPaths } from '../../src/replay/page/local-paths.js';

it("shortens home folders to ~, and the session's folder to its name", () => {
  const mailed = withoutLocalPaths('/srv/work/shop');
  const line = JSON.stringify({
    cwd: '/srv/work/shop',
    files: ['/srv/work/shop/src/a.ts', '/home/alex/.npmrc', '/Users/Åsa B/x', '/root/x', '/home/'],
    windows: 'C:\\Users\\alex\\x',
    project: '/x/-home-alex-shop/1.jsonl',
    said: 'see "/home/alex", /var/home/alex and https://a.example/home/alex',
  });
  const shown = mailed(line);
  expect(JSON.parse(shown)).toEqual({
    cwd: '…/shop',
    files: ['…/shop/src/a.ts', '~/.npmrc', '~ B/x', '~/x', '/home/'],
    windows: '~\\x',
    project: '/x/-~-shop/1.jsonl',
    said: 'see "~", /var/home/alex and https://a.example/home/alex',
  });
  expect(keepPaths(line)).toBe(line);
});

it('leaves words alone if the folder is too short to be distinguished from them', () => {
  expect(withoutLocalPaths('/')('a / b')).toBe('a / b');
  expect(withoutLocalPaths('/work')('/workshop')).toBe('/workshop');
  expect(withoutLocalPaths(null)('null')).toBe('null');
});
