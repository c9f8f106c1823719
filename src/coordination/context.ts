import type { Bucket } from '../bucket/bucket.js';
import type { Clock } from '../clock.js';
import type { Layout } from '../protocol/keys.js';
import type { LastTimestamp } from './last-timestamp.js';

/** Who acts, and where: what every act of coordination needs. */
export interface CoordinationContext {
  /** Retrying (`withRetry`), and with proven capabilities where the act relies on arbitration. */
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly agent: string;
  readonly host: string;
  /** The harness's session in which this agent runs, if known. */
  readonly sessionId?: string;
  /** Keeps this machine's writes in order, where it remembers them. */
  readonly stamps?: LastTimestamp;
  /**
   * Receives failures after the act itself was done, e.g. that its event was not written. Readers infer what is
   * missing, and reporting the act as failed would make callers repeat it. Without this callback the failure is
   * thrown.
   */
  readonly onUnrecorded?: (error: Error) => void;
  /** Called when this act registers a new agent. */
  readonly onRegistered?: () => void;
  /** For pauses and this process's own ordering; times in documents and keys are the store's. */
  readonly clock: Clock;
}
