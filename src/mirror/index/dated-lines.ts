import * as v from 'valibot';
import { ownMetaSchema } from '../../protocol/documents.js';
import { parseFields } from './lines.js';

/** When a session said something: all that its place in a list depends on. */
export const datedFields = v.pick(ownMetaSchema, [
  'harness',
  'session_id',
  'started_at',
  'last_row_at',
  'last_uploaded_at',
  'ended_at',
]);
export type DatedFields = v.InferOutput<typeof datedFields>;

const times = ['started_at', 'last_row_at', 'last_uploaded_at', 'ended_at'] as const;
const newline = 0x0a;
/** As much of a line as its times are in, unless its id is very long. */
const headBytes = 320;

/** Whose line it is and its times, as `encodeLines` writes them: first, and ids in printable ASCII without escapes. */
const head = new RegExp(
  `^\\{"harness":"([\\w-]+)","session_id":"([ !#-[\\]-~]+)"${times
    .map((name) => `(?:,"${name}":"([\\d:.TZ+-]{1,64})")?`)
    .join('')}[,}]`,
);

/**
 * The times of each line without parsing or decoding most of it: of ten thousand lines that takes a small part of the
 * time. A line that is written in another way is parsed.
 */
export function parseDates(body: Buffer): readonly DatedFields[] {
  const found: DatedFields[] = [];
  const elsewhere = times.map((name) => new Occurrences(body, `"${name}"`));
  let start = 0;
  for (let end = nextLine(body, start); end !== -1; end = nextLine(body, start)) {
    const dates = scanned(body, start, end, elsewhere);
    if (dates === undefined) found.push(...parseFields(datedFields, body.subarray(start, end + 1)));
    else found.push(dates);
    start = end + 1;
  }
  return found;
}

function nextLine(body: Buffer, start: number): number {
  return body.indexOf(newline, start);
}

function scanned(
  body: Buffer,
  start: number,
  end: number,
  elsewhere: readonly Occurrences[],
): DatedFields | undefined {
  // Not UTF-8: what is read of a line is ASCII.
  const [whole, harness, id, ...said] =
    head.exec(body.toString('latin1', start, Math.min(end, start + headBytes))) ?? [];
  if (whole === undefined || harness === undefined || id === undefined) return undefined;
  const rest = start + whole.length - 1;
  const isElsewhere = elsewhere.some(
    (one, at) => said[at] === undefined && one.isWithin(rest, end),
  );
  if (isElsewhere) return undefined;
  const [started, row, uploaded, ended] = said;
  return {
    harness,
    session_id: id,
    started_at: started ?? null,
    last_row_at: row ?? null,
    last_uploaded_at: uploaded ?? null,
    ended_at: ended ?? null,
  };
}

/** Where some bytes occur, asked from the beginning to the end, so that nothing is searched twice. */
class Occurrences {
  readonly #body: Buffer;
  readonly #bytes: Buffer;
  #next = -1;

  constructor(body: Buffer, text: string) {
    this.#body = body;
    this.#bytes = Buffer.from(text);
  }

  isWithin(start: number, end: number): boolean {
    if (this.#next < start) {
      const next = this.#body.indexOf(this.#bytes, start);
      this.#next = next === -1 ? Number.POSITIVE_INFINITY : next;
    }
    return this.#next < end;
  }
}
