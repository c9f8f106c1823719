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

/** Printable ASCII without a quote or a backslash. */
const begin = /^\{"harness":"([\w-]+)","session_id":"([ !#-[\]-~]+)",/;
const time = /^[\d:.TZ+-]{1,64}$/;

/**
 * The times of each line without parsing it: of ten thousand lines that takes a tenth of the time. A line that is not
 * written as `encodeLines` writes them is parsed.
 */
export function parseDates(body: Buffer): readonly DatedFields[] {
  // Not UTF-8: what is read of a line is ASCII.
  const lines = body.toString('latin1').split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    const dates = scanned(line);
    return dates === undefined
      ? parseFields(datedFields, Buffer.from(`${line}\n`, 'latin1'))
      : [dates];
  });
}

function scanned(line: string): DatedFields | undefined {
  const [, harness, id] = begin.exec(line) ?? [];
  if (harness === undefined || id === undefined) return undefined;
  const started = timeIn(line, 'started_at');
  const row = timeIn(line, 'last_row_at');
  const uploaded = timeIn(line, 'last_uploaded_at');
  const ended = timeIn(line, 'ended_at');
  if (started === undefined || row === undefined) return undefined;
  if (uploaded === undefined || ended === undefined) return undefined;
  return {
    harness,
    session_id: id,
    started_at: started,
    last_row_at: row,
    last_uploaded_at: uploaded,
    ended_at: ended,
  };
}

/**
 * `null` if the line has none, `undefined` if it is written in another way. The quotes of a title are escaped, so none of it
 * passes for a field.
 */
function timeIn(line: string, field: string): string | null | undefined {
  const name = `,"${field}":"`;
  const at = line.indexOf(name);
  if (at === -1) return line.includes(`"${field}"`) ? undefined : null;
  const value = line.slice(at + name.length, line.indexOf('"', at + name.length));
  return time.test(value) ? value : undefined;
}
