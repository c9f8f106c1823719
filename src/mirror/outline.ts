import * as v from 'valibot';
import type { SessionRef } from './stream.js';

/** A stream's lines in short, kept up line by line in bounded space. */
export interface LineOutline {
  /** Takes the next line, without its newline. Never fails. */
  row(line: string, number: number): void;
  /** Plain JSON, from which another one goes on. */
  state(): unknown;
  outline(): StreamOutline;
}

/** What a stream's lines amount to as a conversation. */
export interface StreamOutline {
  /** How many lines it speaks of. */
  readonly rows: number;
  readonly title?: string;
  readonly lastPrompt?: string;
  readonly prompts: number;
  readonly turns: number;
  /** Lines that the last turns begin with, ascending. */
  readonly turnStarts: readonly number[];
  /** Milliseconds since the epoch. */
  readonly lastAtMs?: number;
  readonly isSubagent: boolean;
  /** Who began it, and with which call. */
  readonly spawnedBy?: {
    readonly session: string;
    readonly stream?: string;
    readonly callId?: string;
  };
  readonly forkedFrom?: { readonly session: string };
}

/**
 * Begins a stream's outline, or goes on from a state; `undefined` for a harness that nothing can be said of, and for a
 * state that is none.
 */
export type OpenOutline = (
  session: SessionRef,
  stream: string,
  state?: unknown,
) => LineOutline | undefined;

/** The outline of a stream as it is kept between two runs. */
export interface KeptOutline {
  /** What it says of the stream. */
  readonly told: StreamOutline;
  /** What its fold goes on from. */
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
