import { type FileHandle, open } from 'node:fs/promises';
import { harnesses } from '../../watchers/names.js';
import { readerOf } from '../../watchers/readers.js';
import type { Reader } from '../conversation/reader.js';
import type { Redactor } from '../redact/redact.js';
import { fileLines } from './file-lines.js';
import { NamedTrace } from './named-trace.js';
import { simpleTrace } from './simple-trace.js';
import type { TraceRow } from './trace.js';

function traceOf(harness: string): 'native' | 'named' | undefined {
  return harnesses.find(({ name }) => name === harness)?.trace;
}

/** Viewers open its transcripts unchanged; transcripts of unknown harnesses stay unchanged too. */
export function isTraceAsIs(harness: string): boolean {
  return traceOf(harness) === 'native' || readerOf(harness) === undefined;
}

interface TraceJob {
  readonly harness: string;
  readonly sessionId: string;
  /** The joined transcript. */
  readonly from: string;
  readonly to: string;
  /** Rows are re-encoded, so their text is redacted once more. */
  readonly redactor: Redactor;
  readonly signal?: AbortSignal;
}

/** Writes a transcript's conversation as trace rows; returns their number. */
export async function writeTrace(job: TraceJob): Promise<number> {
  const reader = readerOf(job.harness);
  if (reader === undefined) return 0;
  const file = await open(job.to, 'w', 0o600);
  try {
    const sink = new RowSink(file, job);
    if (traceOf(job.harness) === 'named') await writeNamed(job, reader, sink);
    else await writeSimple(job, reader, sink);
    await sink.flush();
    return sink.count;
  } finally {
    await file.close();
  }
}

async function writeNamed(job: TraceJob, reader: Reader, sink: RowSink): Promise<void> {
  const trace = new NamedTrace({ harness: job.harness, session: job.sessionId }, reader);
  for await (const bytes of fileLines(job.from)) {
    job.signal?.throwIfAborted();
    const value = parse(bytes);
    if (value !== undefined) await sink.add(trace.rows(value));
  }
}

/**
 * Later rows may change the meaning of earlier ones, so all are read before the first is written.
 */
async function writeSimple(job: TraceJob, reader: Reader, sink: RowSink): Promise<void> {
  const fold = reader.open({ session: job.sessionId, stream: '' });
  let line = 0;
  for await (const bytes of fileLines(job.from)) {
    job.signal?.throwIfAborted();
    fold.row(bytes.toString('utf8'), line);
    line += 1;
  }
  for (const row of simpleTrace(fold.state())) {
    job.signal?.throwIfAborted();
    await sink.add([row]);
  }
}

const flushBytes = 1 << 20;

class RowSink {
  readonly #file: FileHandle;
  readonly #redactor: Redactor;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  count = 0;

  constructor(file: FileHandle, { redactor }: TraceJob) {
    this.#file = file;
    this.#redactor = redactor;
  }

  async add(rows: readonly TraceRow[]): Promise<void> {
    for (const row of rows) {
      const line = spelled(row);
      if (line === undefined) continue;
      const { bytes } = this.#redactor.redact(line);
      this.#waiting.push(bytes);
      this.#bytes += bytes.length;
      this.count += 1;
    }
    if (this.#bytes >= flushBytes) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#bytes > 0) await this.#file.appendFile(Buffer.concat(this.#waiting));
    this.#waiting = [];
    this.#bytes = 0;
  }
}

/** Some readers take these for line breaks; JSON treats them as plain characters. */
const otherLineBreaks = /[\u0085\u2028\u2029]/g;

/** Something nested too deep to print is not a row, just as in `replay`. */
function spelled(row: TraceRow): Buffer | undefined {
  try {
    const json = JSON.stringify(row).replace(
      otherLineBreaks,
      (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    return Buffer.from(`${json}\n`);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Not JSON, so not a row. */
function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
