import { type FileHandle, open } from 'node:fs/promises';
import type { Redactor } from '../redact/redact.js';
import { HermesTrace, hermesState } from '../trace/hermes.js';
import { OpenClawTrace } from '../trace/openclaw.js';
import type { Json } from '../trace/trace-row.js';
import { fileLines, readSpan } from './file-lines.js';

/** Viewers understand these harnesses' own lines, so their transcript already is a trace. */
export function isTraceAsIs(harness: string): boolean {
  return harness !== 'hermes' && harness !== 'openclaw';
}

export interface TraceJob {
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
  const file = await open(job.to, 'w', 0o600);
  try {
    const sink = new RowSink(file, job);
    if (job.harness === 'hermes') await hermesRows(job, sink);
    else await openclawRows(job, sink);
    await sink.flush();
    return sink.count;
  } finally {
    await file.close();
  }
}

async function openclawRows({ from, sessionId, signal }: TraceJob, sink: RowSink): Promise<void> {
  const trace = new OpenClawTrace(sessionId);
  for await (const { bytes } of fileLines(from)) {
    signal?.throwIfAborted();
    const value = parse(bytes);
    if (value !== undefined) await sink.add(trace.rows(value));
  }
}

interface Span {
  readonly start: number;
  readonly length: number;
}

/** Rows change after they first appear, so we first locate each one's last state. */
async function hermesRows({ from, sessionId, signal }: TraceJob, sink: RowSink): Promise<void> {
  const last = new Map<number | 'session', Span>();
  for await (const { bytes, start } of fileLines(from)) {
    signal?.throwIfAborted();
    const state = hermesState(parse(bytes));
    if (state === undefined) continue;
    if (state.isDeleted) last.delete(state.id);
    else last.set(state.id, { start, length: bytes.length });
  }
  const trace = new HermesTrace(sessionId);
  const file = await open(from, 'r');
  try {
    for (const [, { start, length }] of [...last].sort(sessionFirst)) {
      signal?.throwIfAborted();
      await sink.add(trace.rows(parse(await readSpan(file, start, length))));
    }
  } finally {
    await file.close();
  }
}

function sessionFirst(
  [left]: readonly [number | 'session', Span],
  [right]: readonly [number | 'session', Span],
): number {
  const place = (id: number | 'session'): number =>
    id === 'session' ? Number.NEGATIVE_INFINITY : id;
  return place(left) < place(right) ? -1 : 1;
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

  async add(rows: readonly Json[]): Promise<void> {
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

/** Something nested too deep to print is not a row, just as in `replay`. */
function spelled(row: Json): Buffer | undefined {
  try {
    return Buffer.from(`${JSON.stringify(row)}\n`);
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
