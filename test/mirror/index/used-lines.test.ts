import { describe, expect, it } from 'vitest';
import { encodeLines, indexedFields, parseFields } from '../../../src/mirror/index/lines.js';
import { parseUsed, usedFields } from '../../../src/mirror/index/used-lines.js';
import {
  encodeDocument,
  type MetaDocument,
  metaSchema,
  parseDocument,
} from '../../../src/protocol/documents.js';

const at = (hour: number) => `2026-04-02T0${hour}:00:00.000Z`;

const known = {
  harness: 'openclaw',
  session_id: 'b5-77',
  agent_id: 'designer',
  host: 'tower',
  cwd: '/home/me/shop',
  title: 'Mend the checkout',
  started_at: at(1),
  last_row_at: at(2),
  last_uploaded_at: at(3),
  ended_at: at(4),
  turns: 3,
  total_lines: 40,
  total_uploaded_bytes: 9_000,
  usage: {
    v: 1,
    slots: {
      '2026-04-02T01:00Z a-model >200k': '1 2 3 4 5 6 7 8 print',
      '2026-04-02T01:15Z b': '1',
    },
    reported: { a: 0.25, b: 1 },
    uncertain: true,
    through: { '': 39 },
  },
} as const;

function lineOf(fields: Partial<MetaDocument> = {}): string {
  const document = { schema_version: 2, ...known, ...fields };
  const meta = parseDocument(metaSchema, 'a key', encodeDocument(document));
  return encodeLines([indexedFields(meta)]).toString();
}

const line = lineOf();

describe('what a report reads of a line of the index', () => {
  it.each([
    ['as written', line],
    ['without usage', lineOf({ usage: null })],
    ['without slots', lineOf({ usage: { v: 1, slots: {}, through: { '': 3 } } })],
    ['with little', lineOf({ agent_id: null, host: null, cwd: null, title: null, ended_at: null })],
    [
      'where a title looks like fields',
      lineOf({ title: '","total_lines":9,"usage":{"lines":1}\\' }),
    ],
    ['where a title is beyond ASCII', lineOf({ title: '検索 "œ" 🙂\n' })],
    ['where a folder needs escapes', lineOf({ cwd: 'C:\\shop "new"' })],
    ['where a host is beyond ASCII', lineOf({ host: 'größe' })],
    ['with a field twice', line.replace('"turns":', '"total_lines":7,"turns":')],
    ['with a field at its end', line.replace(/\}\n$/, ',"total_lines":7}\n')],
    ['with a number that is none', line.replace('"total_lines":40', '"total_lines":040')],
    ['with a number too large', line.replace('"total_lines":40', '"total_lines":9e99')],
    ['with fewer than no lines', line.replace('"total_lines":40', '"total_lines":-1')],
    ['with damaged usage', line.replace('"lines":39', '"lines":"39"')],
    ['with a slot that is too long', line.replace('a-model', 'm'.repeat(900))],
    ['with a slot that is a number', line.replace(/"slots":\[/, '"slots":[7,')],
    ['with a slot that needs escapes', line.replace('a-model', 'a\\"model')],
    ['with unknown fields', line.replace('{', '{"new":[1],')],
    ['with spaces, in another order', `{ "session_id": "x", "total_lines": 2, "harness": "pi" }\n`],
    ['that are two on one line', line.replace('\n', '') + line],
    ['that is no JSON', line.replace('}\n', '\n')],
    ['that has no end', line.trimEnd()],
    ['that is empty', '\n'],
  ])('is the same as parsed: %s', (_what, text) => {
    const body = Buffer.from(`${line}${text}${lineOf({ session_id: 'c' })}`);
    expect([...parseUsed(body)]).toEqual(parseFields(usedFields, body));
  });
});
