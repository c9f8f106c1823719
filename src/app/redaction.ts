import { once } from 'node:events';
import type { Settings } from '../config/settings.js';
import { addCounts, type Counts } from '../redact/counts.js';
import type { Redactor } from '../redact/redact.js';
import { createRedactor } from '../redact/redactor.js';
import {
  endOfRows,
  isJsonLines,
  type RedactedText,
  redactDocument,
  redactRows,
  scannedBytes,
} from './file-secrets.js';
import { readText } from './utf16.js';

/** The engine as the config sets it up, optionally with further known secrets. */
export function redactorOf(settings: Settings | undefined, known: readonly string[]): Redactor {
  const { allow = [], disable = [], patterns = [] } = settings?.redact ?? {};
  return createRedactor({
    allow,
    disabledKinds: disable,
    extraPatterns: patterns.map(({ name, pattern }) => ({ kind: name, pattern })),
    knownSecrets: known,
  });
}

/**
 * Redacts a stream. Lines of JSON pass one by one, in constant memory (one line must fit). Anything
 * else, also between them, is a document: a private key or a list of settings spans lines, so it is
 * redacted in pieces of up to 8 MiB that end with a line. Returns what was found, by kind.
 */
export async function redactStream(
  redactor: Redactor,
  input: AsyncIterable<Buffer>,
  output: NodeJS.WritableStream | undefined,
): Promise<Counts> {
  let counts: Counts = {};
  const { chunks, encode } = readText(input);
  const write = async ({ bytes, counts: found }: RedactedText): Promise<void> => {
    counts = addCounts(counts, found);
    if (output !== undefined && !output.write(encode(bytes))) await once(output, 'drain');
  };
  let waiting: Buffer = Buffer.alloc(0);
  let isRows: boolean | undefined;
  let arrived: Buffer[] = [];
  let arrivedBytes = 0;
  for await (const chunk of chunks) {
    arrived.push(chunk);
    arrivedBytes += chunk.length;
    const isDue =
      isRows === false ? waiting.length + arrivedBytes >= scannedBytes : chunk.includes(0x0a);
    if (!isDue) continue;
    waiting = Buffer.concat([waiting, ...arrived]);
    arrived = [];
    arrivedBytes = 0;
    isRows ??= rowsOrDocument(waiting);
    if (isRows === undefined || (!isRows && waiting.length < scannedBytes)) continue;
    const end = endOfPiece(waiting, isRows);
    await write(redacted(waiting.subarray(0, end), isRows));
    waiting = Buffer.from(waiting.subarray(end));
  }
  const rest = Buffer.concat([waiting, ...arrived]);
  if (rest.length > 0) await write(redacted(rest, isRows ?? isJsonLines(rest)));
  return counts;

  function redacted(text: Buffer, isOfRows: boolean): RedactedText {
    return isOfRows ? redactRows(redactor, text) : redactDocument(redactor, text);
  }
}

/** How much of what has arrived can be redacted without what follows it. */
function endOfPiece(arrived: Buffer, isRows: boolean): number {
  const lines = arrived.lastIndexOf(0x0a) + 1;
  if (!isRows) return lines || arrived.length;
  const rows = endOfRows(arrived.subarray(0, lines));
  return lines - rows < scannedBytes ? rows : lines;
}

/** `undefined`: only blank lines so far. */
function rowsOrDocument(beginning: Buffer): boolean | undefined {
  const whole = beginning.subarray(0, beginning.lastIndexOf(0x0a) + 1);
  return whole.toString('latin1').trim() === '' ? undefined : isJsonLines(whole);
}
