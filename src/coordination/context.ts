import type { Bucket } from '../bucket/bucket.js';
import type { Clock } from '../clock.js';
import type { Layout } from '../protocol/keys.js';
import type { LastTimestamp } from './last-timestamp.js';

/** Who acts, and where: the context of every coordination operation. */
export interface CoordinationContext {
  /** Retries (`withRetry`), with tested capabilities where the operation relies on arbitration. */
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly agent: string;
  readonly host: string;
  /** The harness's session in which this agent runs, if known. */
  readonly sessionId?: string;
  /** Keeps this machine's writes in order, if it can store the last timestamp. */
  readonly stamps?: LastTimestamp;
  /**
   * Receives failures that occur after the operation itself has succeeded, e.g. that its event was
   * not written. Readers infer what is missing, and reporting the operation as failed would make
   * callers repeat it. Without this callback the failure is thrown.
   */
  readonly onUnrecorded?: (error: Error) => void;
  /** Called when this operation registers a new agent. */
  readonly onRegistered?: () => void;
  /** For pauses and this process's own ordering; times in documents and keys are the store's. */
  readonly clock: Clock;
}
