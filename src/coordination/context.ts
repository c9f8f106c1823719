import type { Bucket } from '../bucket/bucket.js';
import type { Clock } from '../clock.js';
import type { Layout } from '../protocol/keys.js';
import type { LastTimestamp } from './last-timestamp.js';

/** Who acts, and where: what every act of coordination needs to know. */
export interface CoordinationContext {
  /** With retries (`withRetry`), and with proven capabilities where the act relies on the store to arbitrate. */
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly agent: string;
  readonly host: string;
  /** The harness's session in which this agent runs, where it is known. */
  readonly sessionId?: string;
  /** Keeps what this machine writes in order, where it is remembered. */
  readonly stamps?: LastTimestamp;
  /**
   * Told of what failed after the act itself had been done, e.g. that its event was not written: readers derive what is missing,
   * and to report the act as failed would have it repeated. Without it such a failure is thrown.
   */
  readonly onUnrecorded?: (error: Error) => void;
  /** Told when the agent was not known before and is now. */
  readonly onRegistered?: () => void;
  /** For pauses and for the order of what this process does; the time in documents and keys is the store's. */
  readonly clock: Clock;
}
