import type { Clock } from '../../clock.js';
import type { SessionMirror } from '../meta/session-mirror.js';
import type { Watcher } from '../stream.js';
import type { FileEvents } from './file-events.js';
import type { FlushTiming } from './flush-schedule.js';
import type { HookSignals } from './hook-signal.js';
import type { Selection } from './selection.js';
import type { SelectedSessions } from './session-filter.js';
import type { StreamRegistry } from './stream-registry.js';

/** What the loop tells while it runs. Nothing in it holds a transcript's content. */
export interface WatchReport {
  /** After the first look: what is mirrored, and what was left alone. */
  onTaken(taken: SelectedSessions): void;
  /** How many sessions are mirrored now, whenever that changes. */
  onSessions(count: number): void;
  /** Something is wrong with the store, a source or the machine; the loop goes on. */
  onTrouble(trouble: Error, isTheStores: boolean): void;
  onWell(): void;
  /** The harness itself said that this session ended. */
  onEnded?(session: SessionMirror): void;
  /** Bytes of source that are dealt with so far (`once` only). */
  onProgress(doneBytes: number, totalBytes: number): void;
}

export interface WatchSettings {
  readonly selection: Selection;
  readonly timing: FlushTiming;
  readonly events: FileEvents;
  /** What the harnesses' hooks tell; `undefined`: nobody listens to them. */
  readonly hookSignals?: HookSignals;
  /** Between two sweeps. */
  readonly sweepMs: number;
  /** Look at everything that is taken as if local state remembered nothing of it: what vanished from the bucket is put back. */
  readonly isThorough: boolean;
  /** Between two sweeps once file events cannot be had. */
  readonly pollMs: number;
}

export interface WatchContext {
  readonly watchers: readonly Watcher[];
  readonly registry: StreamRegistry;
  readonly clock: Clock;
  readonly settings: WatchSettings;
  readonly report: WatchReport;
}
