import { describe, expect, it } from 'vitest';
import { datedFields, parseDates } from '../../../src/mirror/index/dated-lines.js';
import { encodeLines, indexedFields, parseFields } from '../../../src/mirror/index/lines.js';
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
  started_at: at(1),
  last_row_at: at(2),
  last_uploaded_at: at(3),
  ended_at: at(4),
};

function lineOf(fields: Partial<MetaDocument>): string {
  const document = {
    schema_version: 2,
    ...known,
    ...fields,
  };
  const meta = parseDocument(metaSchema, 'a key', encodeDocument(document));
  return encodeLines([indexedFields(meta)]).toString();
}

const usage = { v: 1, slots: { [at(1)]: '1 2 3' }, through: { ended_at: 9 } };
const oddId = 'née "Ω"\\';

describe('the times of lines of the index', () => {
  it.each([
    ['as written', lineOf({}), known],
    ['beside usage', lineOf({}).replace('}\n', `,"usage":${JSON.stringify(usage)}}\n`), known],
    [
      'where some are missing',
      lineOf({ last_row_at: null, ended_at: null }),
      { ...known, last_row_at: null, ended_at: null },
    ],
    [
      'where a title looks like a field',
      lineOf({ title: `x,"ended_at":"${at(9)}","session_id":"z",\\` }),
      known,
    ],
    ['of an id that needs escapes', lineOf({ session_id: oddId }), { ...known, session_id: oddId }],
    ['of an id beyond ASCII', lineOf({ session_id: 'größe' }), { ...known, session_id: 'größe' }],
    [
      'written with spaces, in another order',
      `{ "ended_at": "${at(4)}", "session_id": "b5-77", "harness": "openclaw", "started_at": "${at(1)}" }\n`,
      { ...known, last_row_at: null, last_uploaded_at: null },
    ],
    [
      'written with nulls',
      `{"harness":"openclaw","session_id":"b5-77","ended_at":null,"started_at":"${at(1)}"}\n`,
      { ...known, last_row_at: null, last_uploaded_at: null, ended_at: null },
    ],
    [
      'in another notation',
      lineOf({ last_row_at: 'yesterday at noon' }),
      { ...known, last_row_at: 'yesterday at noon' },
    ],
  ])('%s', (_what, line, expected) => {
    expect(parseDates(Buffer.from(line))).toEqual([expected]);
    expect(parseFields(datedFields, Buffer.from(line))).toEqual([expected]);
  });

  it.each(['{"harness":"openclaw"}', 'null', '', '{"harness":"openclaw","session_id":7,"x":1}'])(
    'are left out if nothing says whose they are: %s',
    (line) => {
      const body = Buffer.from(`${lineOf({})}${line}\n${lineOf({ session_id: 'c' })}`);
      expect(parseDates(body).map(({ session_id: id }) => id)).toEqual(['b5-77', 'c']);
    },
  );
});
