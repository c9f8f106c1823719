import type { StreamUsage } from '../protocol/usage.js';
import type { Place } from './place.js';

/** Counts the calls of a stream, row by row. Never throws. */
export interface UsageFold {
  row(value: unknown): void;
  /** Plain JSON, from which another fold can resume. */
  state(): unknown;
  usage(): StreamUsage;
}

/** Reads what one harness's rows say about tokens. Pure. */
export interface UsageReader {
  readonly harness: string;
  open(place: Place): UsageFold;
  /** Resumes from another fold's `state()`; `undefined` if it is not one. */
  resume(place: Place, state: unknown): UsageFold | undefined;
}

export const quarterMs = 900_000;
/** The latest time that is told in four digits of a year. */
const latestMs = Date.parse('9999-12-31T23:45:00Z');

export function quarterOf(ms: number): number {
  return Math.floor(Math.min(Math.max(ms, 0), latestMs) / quarterMs) * quarterMs;
}
