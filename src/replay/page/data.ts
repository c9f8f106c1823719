import type { TurnState } from '../../conversation/conversation.js';

/**
 * The contents of a page as its viewer reads them: the header at once, the lines of streams in
 * chunks, on demand.
 */
export interface PageHeader {
  readonly version: 1;
  readonly project: string;
  readonly location: string;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly writtenMs: number;
  /** For a page that is being rewritten: milliseconds between updates. */
  readonly followMs: number | null;
  readonly warnings: readonly string[];
  readonly agents: readonly string[];
  readonly entries: EntryColumns;
  /** Milliseconds at which unfinished claims expired, by step. */
  readonly expiries: Readonly<Record<string, number>>;
  readonly sessions: readonly PageSession[];
  /** The session the page is about; `null` for a page of a run. */
  readonly session: number | null;
  readonly streams: readonly PageStream[];
  readonly chunks: readonly PageChunk[];
  /** The folder next to the page that holds the chunks; `null` if they are in the page. */
  readonly sidecar: string | null;
  /**
   * Distinguishes the chunks of a page that is being rewritten from those of its earlier versions.
   */
  readonly stamp: string;
}

/**
 * The timeline's entries, a column per field: first the events in order, then the derived entries in order, matching
 * the lines of the record stream. Names are indices into `names`, -1 for none.
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
  /** Timeline positions of the entries without an event, in order. */
  readonly derived: readonly number[];
  /** Timeline position, and stream and line of the tool call that caused it. */
  readonly causes: readonly (readonly [entry: number, stream: number, line: number])[];
}

export interface PageSession {
  readonly harness: string;
  readonly id: string;
  readonly title: string | null;
  readonly agent: string | null;
  readonly model: string | null;
  /** The last segment of the folder it worked in. */
  readonly folder: string | null;
  /** What its calls to models read and wrote in all; `null` if nobody counted. */
  readonly tokens: number | null;
  /** The id of the session that started it, or that it continues. */
  readonly parent: string | null;
  /** Indices into the header's streams; the first is the main one. */
  readonly streams: readonly number[];
}

export interface PageStream {
  /** '' for a session's main stream. */
  readonly name: string;
  readonly harness: string;
  readonly lines: number;
  readonly title: string | null;
  /** The stream and the call that started a sub-agent, as noted beside its transcript. */
  readonly calledBy: readonly [stream: string, callId: string] | null;
  readonly turns: number;
  readonly calls: number;
  /** Calls whose results report a failure. */
  readonly failedCalls: number;
  /** How the last turn ended. */
  readonly state: TurnState;
  /** The first words of the last answer. */
  readonly lastAnswer: string;
  /**
   * When and on which line each turn began, with the prompt's first words; at most a few hundred.
   */
  readonly prompts: readonly (readonly [ms: number, line: number, text: string])[];
  /** A sample of the rows' times in milliseconds, and the line of each. */
  readonly sampleMs: readonly number[];
  readonly sampleLines: readonly number[];
}

/** This many lines of a stream, from this one on. */
export type PageChunk = readonly [stream: number, firstLine: number, lines: number];

/** Stream 0 has one line per entry: the object that records it, with its key. */
export const recordsStream = 0;
