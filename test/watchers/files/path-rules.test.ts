import { describe, expect, it } from 'vitest';
import { isUuid, PathRules, uuid } from '../../../watchers/files/path-rules.js';

const id = '5d3f0000-aaaa-4bbb-8ccc-0000000000AB';
const rules = new PathRules([
  { kind: 'main', path: `p_.*/(?<session>${uuid})/main\\.jsonl`, name: '' },
  {
    kind: 'agent',
    path: `p_.*/(?<session>${uuid})/agents/(?<agent>\\w+)\\.jsonl`,
    name: 'agents/$<agent>',
  },
  { kind: 'flat', path: 'old-(?<at>\\d+)\\.jsonl', name: 'backups/$<at>' },
]);

describe('rules for paths', () => {
  it.each([
    [['p_x', id, 'main.jsonl'], { kind: 'main', sessionId: id, name: '' }],
    [['p_x', id, 'agents', 'a1.jsonl'], { kind: 'agent', sessionId: id, name: 'agents/a1' }],
    [['old-17.jsonl'], { kind: 'flat', sessionId: undefined, name: 'backups/17' }],
    [['p_\n', id, 'main.jsonl'], { kind: 'main', sessionId: id, name: '' }],
  ])('%j is what its rule says', (path, place) => {
    expect(rules.placeOf(path)).toEqual(place);
  });

  it.each([
    [[]],
    [['p_x', id]],
    [['p_x', id, 'main.jsonl', 'main.jsonl']],
    [['p_x', id, 'main.jsonl.bak']],
    [['p_x', 'not-an-id', 'main.jsonl']],
    [['p_x', id, 'agents', '$<agent>.jsonl']],
    [['xp_x', id, 'main.jsonl']],
  ])('%j is nothing', (path) => {
    expect(rules.placeOf(path)).toBeUndefined();
  });

  it('leads only into folders that a rule names', () => {
    const folders = [[], ['p_x'], ['p_x', id], ['p_x', id, 'agents']];
    expect(folders.map((path) => rules.isFolder(path))).toEqual([true, true, true, true]);
    const strangers = [['x'], ['p_x', 'files'], ['p_x', id, 'logs'], ['p_x', id, 'agents', 'a']];
    expect(strangers.map((path) => rules.isFolder(path))).toEqual([false, false, false, false]);
  });

  it('knows a UUID in either case, and nothing around it', () => {
    expect([id, id.toLowerCase(), ` ${id}`, `${id}\n`, undefined].map(isUuid)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
