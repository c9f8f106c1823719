/**
 * What the mirror asks of a watcher, and all that it knows of a harness. A watcher turns whatever its harness keeps on
 * disk into streams of lines with positions.
 */

export interface Watcher {
  /** As it stands in keys. */
  readonly harness: string;
  /** The folders that exist and are worth watching; empty when the harness is not on this machine. */
  roots(): Promise<readonly string[]>;
  /**
   * The sweep: every stream that exists below a root now, some at a time, since ten thousand one by one cost several times
   * as much. The same source yields the same object while this process lives.
   */
  streams(root: string): AsyncIterable<readonly Stream[]>;
  /** What a file event at `path` concerns; `undefined` when it is nothing of a session. */
  streamOf(path: string): Promise<Stream | undefined>;
  /** Whether nothing at or below this path can ever be of a session: it is not listened to. Told without looking. */
  ignores?(path: string): boolean;
  /** Session ids that the harness itself says are running now, where it keeps such a sign. */
  live(): Promise<ReadonlySet<string>>;
  /** Where the harness itself removes transcripts that nobody used for some time: after how long, below this root. */
  retention?(root: string): Promise<Retention>;
}

export interface Retention {
  readonly days: number;
  /** What its user changes it with. */
  readonly setting: string;
}

export interface SessionRef {
  readonly harness: string;
  /** As the harness spells it; encoded only when it becomes a key. */
  readonly id: string;
}

export type Stream = LineStream | RecordStream;

interface Source {
  readonly session: SessionRef;
  /** '' is the session's main stream; others are slash-separated, e.g. `subagents/agent-a93ccab`. */
  readonly name: string;
  /** Where it lies on this machine; two streams of one session and name differ only in this. */
  readonly source: string;
  /** Stat-cheap: what is there now, or `undefined` when that equals `since` or the source is gone. */
  changed(since: FileSnapshot | undefined): Promise<FileSnapshot | undefined>;
  /**
   * Whole lines from `from` on: at least one when there is one, else as many as fit `limit`. A line is never split, cut or
   * changed, however long. Reads one state of the source: when the source no longer holds what `from` remembers of it
   * (replaced, truncated, edited before `from`), or changed other than by growing while it was read, the answer is 'moved'.
   */
  read(from: Position, limit: ReadLimit): Promise<Chunk | 'moved' | 'gone'>;
  /** Folds one line into what is known of the session; returns `before` itself when the line says nothing new. */
  facts(line: Buffer, before: SessionFacts): SessionFacts;
}

/** The source keeps every line where it was: a position can be checked against it at any time. */
export interface LineStream extends Source {
  readonly kind: 'lines';
}

/** The source shows only its present state: what is new is a difference to what was shipped, which `fold` rebuilds. */
export interface RecordStream extends Source {
  readonly kind: 'records';
  /**
   * Folding remembers content: a record that is not what was shipped is read again from there. Without, `fold` only knows
   * which records were shipped, and each of them stays as it is. Facts are in such a stream's lines, as in one of lines.
   */
  readonly isCompared?: boolean;
  /** The position after lines that somebody shipped (each ends with a newline), read back from the bucket. */
  fold(from: Position, shipped: readonly Buffer[]): Position;
}

/** What a stat-like glance saw. Equal tokens mean nothing happened. */
export interface FileSnapshot {
  readonly token: string;
  readonly size: number;
  readonly modifiedAtMs: number;
}

/** How many lines of the stream lie before, and whatever the stream itself needs to go on from there (plain JSON). */
export interface Position {
  readonly line: number;
  readonly at: JsonValue;
}

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

export const startPosition: Position = { line: 0, at: null };

export interface ReadLimit {
  /** Stop before a line that would take the chunk past this many source bytes (but always take one line). */
  readonly bytes: number;
  readonly lines?: number;
}

export interface Chunk {
  readonly lines: readonly Line[];
  readonly next: Position;
  /** What was there when this was read. */
  readonly snapshot: FileSnapshot;
  /** Bytes of the source that `lines` stand for. */
  readonly sourceBytes: number;
  /** Bytes seen after the last complete line, when the end of the source was reached: an unterminated rest. */
  readonly rest: number;
  /** Whether complete lines may remain past the limit. */
  readonly more: boolean;
}

/** Source bytes including the final newline; or text that is redacted whole before it is encoded into one line. */
export type Line = Buffer | SealedLine;

export interface SealedLine {
  readonly text: Buffer;
  /** The line to ship (with its newline), made from the redacted text. */
  readonly seal: (redacted: Buffer) => Buffer;
}

/** What transcripts tell about their session. Absent means not known; never guessed. */
export interface SessionFacts {
  /** The folder that the session was started in. */
  readonly cwd?: string;
  readonly title?: string;
  /** Precedence of the title's origin within its harness: a title of a lower rank never replaces one of a higher. */
  readonly titleRank?: number;
  readonly model?: string;
  readonly gitBranch?: string;
  readonly harnessVersion?: string;
  readonly parentSessionId?: string;
  /** ISO 8601 UTC. */
  readonly startedAt?: string;
  /** ISO 8601 UTC. */
  readonly endedAt?: string;
}

/** One by one, of all roots. */
export async function* streamsOf(watcher: Watcher): AsyncIterable<Stream> {
  for (const root of await watcher.roots()) {
    for await (const some of watcher.streams(root)) yield* some;
  }
}
