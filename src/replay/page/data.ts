/** What a page carries, as its viewer reads it: the header at once, the lines of streams in chunks where one looks. */
export interface PageHeader {
  readonly version: 1;
  readonly project: string;
  readonly location: string;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly writtenMs: number;
  /** The page is written again and again: milliseconds between two looks. */
  readonly followMs: number | null;
  readonly warnings: readonly string[];
  readonly agents: readonly string[];
  readonly entries: EntryColumns;
  /** Milliseconds at which the claims that nobody ended ran out, by step. */
  readonly expiries: Readonly<Record<string, number>>;
  readonly sessions: readonly PageSession[];
  readonly streams: readonly PageStream[];
  readonly chunks: readonly PageChunk[];
  /** Folder beside the page that holds the chunks; `null`: they are in the page. */
  readonly sidecar: string | null;
}

/**
 * The entries of the timeline, a column per field: first the events in order, then the derived entries in order, as the lines of
 * the stream of records. Names are indices into `names`, -1 for none.
 */
export interface EntryColumns {
  readonly names: readonly string[];
  /** Milliseconds since the epoch, with a fraction. */
  readonly timeMs: readonly number[];
  readonly type: readonly number[];
  readonly agent: readonly number[];
  readonly step: readonly number[];
  readonly to: readonly number[];
  readonly text: readonly string[];
  /** Places in the timeline of the entries that have no event, in order. */
  readonly derived: readonly number[];
  /** Place in the timeline, and stream and line of the tool call that made it. */
  readonly causes: readonly (readonly [entry: number, stream: number, line: number])[];
}

export interface PageSession {
  readonly harness: string;
  readonly id: string;
  readonly title: string | null;
  readonly agent: string | null;
  readonly model: string | null;
  readonly cwd: string | null;
  /** Indices into the header's streams; the first is the main one. */
  readonly streams: readonly number[];
}

export interface PageStream {
  /** '' for a session's main stream. */
  readonly name: string;
  readonly harness: string;
  readonly lines: number;
  /** A sample of the rows' times in milliseconds, and the line of each. */
  readonly sampleMs: readonly number[];
  readonly sampleLines: readonly number[];
}

/** So many lines of a stream from this one on. */
export type PageChunk = readonly [stream: number, firstLine: number, lines: number];

/** Stream 0 has a line per entry: the object that tells it, with its key. */
export const recordsStream = 0;
