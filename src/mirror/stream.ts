/**
 * What the mirror asks of a watcher, and all it knows about a harness. A watcher turns whatever its harness keeps on
 * disk into streams of lines with positions.
 */

export interface Watcher {
  /** In the spelling of keys. */
  readonly harness: string;
  /** The folders that exist and are worth watching; empty if the harness is not on this machine. */
  roots(): Promise<readonly string[]>;
  /**
   * The sweep: every stream that exists below a root now, in batches, because ten thousand one by one cost several
   * times as much. The same source yields the same object while this process lives. In a 'recent' pass, streams below
   * folders that are as they were may be left out, and those in databases that are.
   */
  streams(root: string, pass?: Pass): AsyncIterable<readonly Stream[]>;
  /** The stream that a file event at `path` concerns; `undefined` if it belongs to no session. */
  streamOf(path: string): Promise<Stream | undefined>;
  /**
   * Whether nothing at or below this path can ever belong to a session, so it need not be watched. Decided without
   * disk access.
   */
  ignores?(path: string): boolean;
  /** Session ids the harness itself reports as running, if it does. */
  live(): Promise<ReadonlySet<string>>;
  /** Where the harness removes unused transcripts by itself: after how long, below this root. */
  retention?(root: string): Promise<Retention>;
}

/** What was not touched for so long is calm, and looked at less often where file events work. */
export const calmAfterMs = 3_600_000;

/** What was not touched for so long is resting, and looked at even less often. */
export const restingAfterMs = 86_400_000;
/** How often that is, in turns of what is calm: once in 24 minutes. */
export const restingEveryTurns = 8;

/**
 * Which folders the disk is asked about: every one; or in turn, those that are resting only if they were not asked about for
 * 24 minutes; or those that are not calm. Those that `streamOf` was asked about since are in every pass.
 */
export type Pass = 'all' | 'turn' | 'recent';

export interface Retention {
  readonly days: number;
  /** What its user changes it with. */
  readonly setting: string;
}

export interface SessionRef {
  readonly harness: string;
  /** In the harness's spelling; encoded only when it becomes a key. */
  readonly id: string;
}

/** For maps within a process; never stored. */
export function sessionKeyOf({ harness, id }: SessionRef): string {
  return `${harness}\n${id}`;
}

export type Stream = LineStream | RecordStream;

interface Source {
  readonly session: SessionRef;
  /** '' is the session's main stream; others are slash-separated, e.g. `subagents/agent-a93ccab`. */
  readonly name: string;
  /** Its location on this machine; two streams with the same session and name differ only in this. */
  readonly source: string;
  /** Whether its location says that it was started in this folder; for streams whose lines do not say. */
  isKeptFor?(folder: string): boolean;
  /**
   * Costs about a stat: the current snapshot, or `undefined` if it equals `since` or the source is gone. In a survey
   * the answer may be as old as the survey.
   */
  changed(since: FileSnapshot | undefined, survey?: Survey): Promise<FileSnapshot | undefined>;
  /**
   * Whole lines from `from` on: at least one if there is one, otherwise as many as fit `limit`. A line is never
   * split, cut or changed, however long. Reads one state of the source: if the source no longer matches what `from`
   * remembers (replaced, truncated, edited before `from`), or changed other than by growing during the read, the
   * answer is 'moved'.
   */
  read(from: Position, limit: ReadLimit): Promise<Chunk | 'moved' | 'gone'>;
  /** Folds one line into what is known about the session; returns `before` itself if nothing is new. */
  facts(line: Buffer, before: SessionFacts): SessionFacts;
}

/** The source keeps every line in place, so a position can be checked against it at any time. */
export interface LineStream extends Source {
  readonly kind: 'lines';
}

/** The source shows only its current state: new lines are the difference from what was uploaded, which `fold` rebuilds. */
export interface RecordStream extends Source {
  readonly kind: 'records';
  /**
   * Folding remembers content: a record that differs from what was uploaded is read again from there. Otherwise
   * `fold` only knows which records were uploaded, and each of them stays as it is. Such a stream's lines contain
   * facts, like those of a line stream.
   */
  readonly isCompared?: boolean;
  /** The next read compares everything, also what rarely changes. */
  compareAll?(): void;
  /** The position after lines that were uploaded (each ends with a newline), read back from the bucket. */
  fold(from: Position, shipped: readonly Buffer[]): Position;
}

/** One look at many streams, known by its identity: what several of them share, such as a database, is asked about once. */
export type Survey = object;

/** The result of a stat-like check. Equal tokens mean nothing happened. */
export interface FileSnapshot {
  readonly token: string;
  readonly size: number;
  readonly modifiedAtMs: number;
  /** Which file it is, by device and inode, for a source that is one. */
  readonly file?: string;
}

/** How many lines of the stream precede it, plus whatever the stream itself needs to continue (plain JSON). */
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
  /** Memory that the lines may lie in. The caller does not touch it before it is done with them. */
  readonly into?: Buffer;
}

export interface Chunk {
  readonly lines: readonly Line[];
  readonly next: Position;
  /** The snapshot at the time of the read. */
  readonly snapshot: FileSnapshot;
  /** Bytes of the source that `lines` represent. */
  readonly sourceBytes: number;
  /** Bytes of an unterminated last line, if the end of the source was reached. */
  readonly rest: number;
  /** Whether complete lines may remain beyond the limit. */
  readonly more: boolean;
}

/** Source bytes including the final newline; or text that is redacted as a whole before it is encoded into one line. */
export type Line = Buffer | SealedLine;

export interface SealedLine {
  readonly text: Buffer;
  /** The line to upload (with its newline), made from the redacted text. */
  readonly seal: (redacted: Buffer) => Buffer;
}

/** What transcripts say about their session. Absent means unknown; never guessed. */
export interface SessionFacts {
  /** The folder the session was started in. */
  readonly cwd?: string;
  /** The session's name, where its harness keeps one outside the transcript. */
  readonly named?: string;
  readonly model?: string;
  /** Of a sub-agent: what kind it is. */
  readonly agentType?: string;
  readonly gitBranch?: string;
  readonly harnessVersion?: string;
  readonly parentSessionId?: string;
  /** ISO 8601 UTC. */
  readonly startedAt?: string;
  /** ISO 8601 UTC. */
  readonly endedAt?: string;
}

/** One by one, across all roots. */
export async function* streamsOf(watcher: Watcher): AsyncIterable<Stream> {
  for (const root of await watcher.roots()) {
    for await (const some of watcher.streams(root)) yield* some;
  }
}
