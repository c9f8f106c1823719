import type { Clock } from '../../clock.js';
import type { IndexWriter } from '../index/index-writer.js';
import type { SessionMirror } from '../meta/session-mirror.js';
import type { Watcher } from '../stream.js';
import type { FileEvents } from './file-events.js';
import type { FlushTiming } from './flush-schedule.js';
import type { HookSignals } from './hook-signal.js';
import type { Selection } from './selection.js';
import type { SelectedSessions } from './session-filter.js';
import type { StreamRegistry } from './stream-registry.js';

/** What the loop reports while it runs, never a transcript's content. */
export interface WatchReport {
  /** After the first sweep: what is mirrored, and what is not. */
  onTaken(taken: SelectedSessions): void;
  /** How many sessions are mirrored now, whenever that changes. */
  onSessions(count: number): void;
  /** Something is wrong with the store, a source or the machine; the loop continues. */
  onTrouble(trouble: Error, isTheStores: boolean): void;
  onWell(): void;
  /** The harness itself reported the end of this session. */
  onEnded?(session: SessionMirror): void;
  /** Source bytes processed so far (`once` only). */
  onProgress(doneBytes: number, totalBytes: number): void;
}

export interface WatchSettings {
  readonly selection: Selection;
  readonly timing: FlushTiming;
  readonly events: FileEvents;
  /** Signals from the harnesses' hooks; `undefined` if none are read. */
  readonly hookSignals?: HookSignals;
  /** Between two sweeps. */
  readonly sweepMs: number;
  /** Check everything selected as if there were no local state: restores what vanished from the bucket. */
  readonly isThorough: boolean;
  /** Between two sweeps without file events. */
  readonly pollMs: number;
}

export interface WatchContext {
  readonly watchers: readonly Watcher[];
  readonly registry: StreamRegistry;
  /** Where this machine's lines of the derived index are kept, if it keeps any. */
  readonly index?: IndexWriter;
  readonly clock: Clock;
  readonly settings: WatchSettings;
  readonly report: WatchReport;
}
