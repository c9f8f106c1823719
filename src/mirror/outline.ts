import * as v from 'valibot';
import type { CountedStream, MetaUsage, StreamUsage } from '../protocol/usage.js';
import type { SessionRef } from './stream.js';

/** The summary of a stream's lines, updated line by line in bounded space. */
export interface LineOutline {
  /** Takes the next line, without its newline. Never fails. */
  row(line: string, number: number): void;
  /** Plain JSON from which another fold can continue. */
  state(): unknown;
  outline(): StreamOutline;
  /** What its calls to models took; `undefined` if its harness does not tell. */
  usage(): StreamUsage | undefined;
}

/** What a stream's lines say as a conversation. */
export interface StreamOutline {
  /** How many lines it covers. */
  readonly rows: number;
  readonly title?: string;
  readonly lastPrompt?: string;
  readonly prompts: number;
  readonly turns: number;
  /** The first lines of the last turns, ascending. */
  readonly turnStarts: readonly number[];
  /** Milliseconds since the epoch. */
  readonly lastAtMs?: number;
  readonly isSubagent: boolean;
  /** Who started it, and with which call. */
  readonly spawnedBy?: {
    readonly session: string;
    readonly stream?: string;
    readonly callId?: string;
  };
  readonly forkedFrom?: { readonly session: string };
}

/** Starts a stream's outline, or continues from a state; `undefined` for an unknown harness and for an invalid state. */
export type OpenOutline = (
  session: SessionRef,
  stream: string,
  state?: unknown,
) => LineOutline | undefined;

/** Counts every call of a session once, whichever of its streams repeat it. */
export type JoinUsage = (streams: readonly CountedStream[]) => MetaUsage;

/** A stream's outline as it is kept between two runs. */
export interface KeptOutline {
  /** The outline itself. */
  readonly told: StreamOutline;
  /** What its fold continues from. */
  readonly state: unknown;
}

const linkSchema = v.object({
  session: v.string(),
  stream: v.exactOptional(v.string()),
  callId: v.exactOptional(v.string()),
});
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const keptOutlineSchema = v.object({
  told: v.object({
    rows: count,
    title: v.exactOptional(v.string()),
    lastPrompt: v.exactOptional(v.string()),
    prompts: count,
    turns: count,
    turnStarts: v.array(count),
    lastAtMs: v.exactOptional(v.number()),
    isSubagent: v.boolean(),
    spawnedBy: v.exactOptional(linkSchema),
    forkedFrom: v.exactOptional(v.object({ session: v.string() })),
  }),
  state: v.unknown(),
});
