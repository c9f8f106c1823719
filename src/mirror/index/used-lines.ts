import * as v from 'valibot';
import { ownMetaSchema } from '../../protocol/documents.js';
import { indexedUsageSchema, isSlotText } from './indexed-usage.js';
import { parseFields } from './lines.js';

/** What a report on tokens needs of a line. */
export const usedFields = v.object({
  ...v.pick(ownMetaSchema, [
    'harness',
    'session_id',
    'agent_id',
    'host',
    'cwd',
    'started_at',
    'last_row_at',
    'last_uploaded_at',
    'ended_at',
    'total_lines',
  ]).entries,
  usage: v.fallback(v.nullable(indexedUsageSchema), null),
});
export type UsedFields = v.InferOutput<typeof usedFields>;

const newline = 0x0a;
/** Printable ASCII without escapes. */
const plain = '[ !#-[\\]-~]';
const count = '0|[1-9]\\d{0,14}';

function optional(name: string, value: string): string {
  return `(?:,"${name}":${value})?`;
}

/** The whole of a line as `encodeLines` writes it; nothing of another form matches, so nothing else can be said in it. */
const wholeLine = new RegExp(
  [
    `\\{"harness":"([\\w-]{1,100})","session_id":"(${plain}+)"`,
    ...['started_at', 'last_row_at', 'last_uploaded_at', 'ended_at'].map((name) =>
      optional(name, '"([\\d:.TZ+-]{1,64})"'),
    ),
    ...['agent_id', 'host', 'cwd'].map((name) => optional(name, `"(${plain}*)"`)),
    // Not read, so it may hold anything.
    optional('title', '"[^"\\\\\\n]*(?:\\\\[^\\n][^"\\\\\\n]*)*"'),
    optional('parent_session_id', `"${plain}*"`),
    optional('turns', `(?:${count})`),
    optional('total_lines', `(${count})`),
    optional('total_uploaded_bytes', `(?:${count})`),
    `(?:,"usage":\\{(?:"slots":\\["(${plain}*(?:","${plain}*)*)"\\],)?"lines":(${count})`,
    `${optional('reported', '((?:0|[1-9]\\d{0,11})(?:\\.\\d{1,20})?)')}(,"uncertain":true)?\\})?`,
    '\\}\\n',
  ].join(''),
  'y',
);
/** As long as any of the texts may be. */
const longestLine = 100_000;

/** What a report needs, without making objects of the rest. A line that is written in another way is parsed. */
export function* parseUsed(body: Buffer): Generator<UsedFields> {
  // Not UTF-8: what is read of a line is ASCII.
  const text = body.toString('latin1');
  let start = 0;
  for (let end = body.indexOf(newline); end !== -1; end = body.indexOf(newline, start)) {
    const fields = end - start > longestLine ? undefined : scanned(text, start, end);
    if (fields !== undefined) yield fields;
    else yield* parseFields(usedFields, body.subarray(start, end + 1));
    start = end + 1;
  }
}

function scanned(text: string, start: number, end: number): UsedFields | undefined {
  wholeLine.lastIndex = start;
  const match = wholeLine.exec(text);
  if (match === null || wholeLine.lastIndex !== end + 1) return undefined;
  const [, harness, id, started, row, uploaded, ended, agent, host, cwd, lines, ...used] = match;
  const [slots, counted, reported, uncertain] = used;
  if (harness === undefined || id === undefined) return undefined;
  const texts = slots === undefined ? [] : slots.split('","');
  if (!texts.every(isSlotText)) return undefined;
  return {
    harness,
    session_id: id,
    agent_id: agent ?? null,
    host: host ?? null,
    cwd: cwd ?? null,
    started_at: started ?? null,
    last_row_at: row ?? null,
    last_uploaded_at: uploaded ?? null,
    ended_at: ended ?? null,
    total_lines: Number(lines ?? 0),
    usage:
      counted === undefined
        ? null
        : {
            slots: texts,
            lines: Number(counted),
            ...(reported === undefined ? {} : { reported: Number(reported) }),
            ...(uncertain === undefined ? {} : { uncertain: true as const }),
          },
  };
}
