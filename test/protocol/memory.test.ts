import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { encodeMemory, memoryKeyOf, parseMemory, parseValue } from '../../src/protocol/memory.js';

describe('a value on the command line', () => {
  it.each([
    ['word', 'word'],
    ['two words', 'two words'],
    ['', ''],
    ['3', 3],
    ['-1.5e3', -1500],
    ['007', '007'],
    ['true', true],
    ['null', null],
    ['"3"', '3'],
    ['{"a": [1, {"b": "12345678901234567890"}]}', { a: [1, { b: '12345678901234567890' }] }],
    ['{"a": ', '{"a": '],
    ['"a \\" 12345678901234567890"', 'a " 12345678901234567890'],
    ['2026-11-23', '2026-11-23'],
  ])('%j is %j', (word, value) => {
    expect(parseValue(word)).toEqual(value);
  });

  it.each([
    ['12345678901234567890', /number that cannot be kept exactly: 12345678901234567890/],
    ['{"id": 9007199254740993}', /9007199254740993/],
    ['1e999', /1e999/],
    [`${'['.repeat(65)}${']'.repeat(65)}`, /64 levels/],
    [`${'['.repeat(500_000)}${']'.repeat(500_000)}`, /64 levels/],
    ['x'.repeat(1_048_577), /1048579 bytes; a memory holds 1048576/],
  ])('is refused when it would not come back as it is', (word, message) => {
    expect(() => parseValue(word)).toThrow(UsageError);
    expect(() => parseValue(word)).toThrow(message);
  });

  it('of a megabyte survives a round trip', () => {
    const value = parseValue(JSON.stringify('x'.repeat(1_048_574)));
    const state = { value, set_by: 'a', set_at: null, version: 1, deleted: false, id: null };
    const body = encodeMemory(state);
    expect(parseMemory('key', body)).toEqual(state);
    expect(parseMemory('key', encodeMemory({ ...state, value: 1 })).value).toBe(1);
  });

  it('of the greatest depth survives a round trip', () => {
    const value = parseValue(`${'['.repeat(64)}"]]["${']'.repeat(64)}`);
    const state = { value, set_by: 'a', set_at: null, version: 1, deleted: true, id: null };
    expect(parseMemory('key', encodeMemory(state))).toEqual(state);
  });
});

it('the key of an object below memory/ is found in both layouts', () => {
  const layout = bucketLayout('p');
  const keys = [
    'a.json',
    'a.b.json',
    'a/b.json',
    'a/b/c.json',
    'a/b.c.json',
    '_a.json',
    'a.json/b',
  ];
  expect(keys.map((key) => memoryKeyOf(layout, `p/memory/${key}`))).toEqual([
    'a',
    'a.b',
    'a.b',
    'a.b.c',
    undefined,
    undefined,
    undefined,
  ]);
});
