import { describe, expect, it } from 'vitest';
import { encodeDocument, metaSchema, parseDocument } from '../../src/protocol/documents.js';
import { cleaningOf } from '../../src/replay/page/cleaning.js';
import { keepPaths, localNames, withoutLocalPaths } from '../../src/replay/page/local-paths.js';

it("shortens home folders to ~, and the session's folder to its name", () => {
  const mailed = withoutLocalPaths('/srv/work/shop');
  const line = JSON.stringify({
    cwd: '/srv/work/shop',
    files: ['/srv/work/shop/src/a.ts', '/home/alex/.npmrc', '/Users/Åsa B/x', '/root/x', '/home/'],
    windows: 'C:\\Users\\alex\\x',
    project: '/x/-home-alex-shop/1.jsonl',
    said: 'see "/home/alex", /var/home/alex and https://a.example/home/alex',
    listed: 'total 2\n/home/alex/a\t/home/alex/b\r\n\u001b[34m/home/alex/c\u001b[0m',
  });
  const shown = mailed(line);
  expect(JSON.parse(shown)).toEqual({
    cwd: '…/shop',
    files: ['…/shop/src/a.ts', '~/.npmrc', '~ B/x', '~/x', '/home/'],
    windows: '~\\x',
    project: '/x/-~-shop/1.jsonl',
    said: 'see "~", /var/home/alex and https://a.example/home/alex',
    listed: 'total 2\n~/a\t~/b\r\n\u001b[34m~/c\u001b[0m',
  });
  expect(keepPaths(line)).toBe(line);
});

it('leaves words alone if the folder is too short to be distinguished from them', () => {
  expect(withoutLocalPaths('/')('a / b')).toBe('a / b');
  expect(withoutLocalPaths('/work')('/workshop')).toBe('/workshop');
  expect(withoutLocalPaths(null)('null')).toBe('null');
});

describe('names of users and machines', () => {
  const places = [
    { host: 'quartz.local', cwd: '/home/alex/shop', source_path: '/Users/Nora.B/x.jsonl' },
    { host: null, cwd: 'C:\\Users\\dev\\shop' },
    { host: 'localhost', cwd: '/root/x', source_path: '/home/al/y' },
  ];

  it('are those that a machine could be recognised by', () => {
    expect(localNames(places)).toEqual({
      users: ['alex', 'Nora.B'],
      hosts: ['quartz.local', 'quartz'],
    });
  });

  it('are replaced as words, in what was said and never in what it is called', () => {
    const mailed = withoutLocalPaths(null, localNames(places));
    const row = {
      alex: 'alexandra and alex_b stay, (alex) goes',
      prompt: 'alex@quartz:~$ ls -l\n-rw-r--r-- 1 alex alex 12 a.txt\n\talex on quartz.local',
      inner: JSON.stringify({ alex: 'alex', by: 'Nora.B' }),
    };
    expect(JSON.parse(mailed(JSON.stringify(row)))).toEqual({
      alex: 'alexandra and alex_b stay, (user) goes',
      prompt: 'user@host:~$ ls -l\n-rw-r--r-- 1 user user 12 a.txt\n\tuser on host',
      inner: JSON.stringify({ alex: 'user', by: 'user' }),
    });
  });

  const about = { host: 'quartz', cwd: '/home/alex/shop', agent_id: 'alex' };
  const document = parseDocument(
    metaSchema,
    'meta.json',
    encodeDocument({ schema_version: 2, harness: 'h', session_id: 's', ...about }),
  );
  const meta = { key: 'meta.json', document, modifiedAt: new Date(0) };
  const state = { agents: [], sessions: [{ harness: 'h', id: 's', meta }] };
  const run = (sessionId: string | undefined) => ({ state, selection: { sessionId } });

  it('stay where they are the names of agents, but for a page about one session', () => {
    const said = 'alex did it on quartz';
    expect(cleaning(undefined).text(null)(said)).toBe('alex did it on host');
    expect(cleaning(undefined).agent('alex')).toBe('alex');
    expect(cleaning('s').text('/home/alex/shop')(said)).toBe('user did it on host');
    expect(cleaning('s').agent('alex-2')).toBe('user-2');
    expect(cleaning('s', true).text(null)(said)).toBe(said);
  });

  function cleaning(sessionId: string | undefined, keepsPaths = false) {
    return cleaningOf(run(sessionId), keepsPaths);
  }
});
