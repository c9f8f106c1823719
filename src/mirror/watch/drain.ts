import type { Clock } from '../../clock.js';
import type { ProgressCounter } from './progress-counter.js';
import type { StreamUploader } from './stream-uploader.js';
import type { UploadState } from './upload-state.js';

export interface Drain {
  readonly uploader: StreamUploader;
  readonly clock: Clock;
  /** How long to wait for an unreachable store. */
  readonly patienceMs: number;
}

export const liveParts = { partBytes: 1 << 20, parts: 8 };
export const backfillParts = { partBytes: 8 << 20, parts: 4 };
/** Records count once they were unchanged for 2 s. */
const recordsQuietMs = 2_100;

/**
 * Runs until everything of one stream is sent, or nothing more can be: then its failure is kept, and the others
 * continue.
 */
export async function drainWhole(
  drain: Drain,
  state: UploadState,
  signal: AbortSignal,
  counter: ProgressCounter,
): Promise<void> {
  const { uploader, clock, patienceMs } = drain;
  const { breaker } = uploader;
  const isHopeless = (): boolean => breaker.hopeless(clock.monotonic(), patienceMs) !== undefined;
  let maySettle = state.mirrored.mirror.source.kind === 'records';
  await drained(drain, state, async () => {
    while (!signal.aborted && !isHopeless()) {
      const upload = await uploader.upload(state, backfillParts);
      counter.advanced(state);
      if (upload === 'again') continue;
      const awaitsQuiet = upload === 'done' && maySettle && state.rest > 0;
      if (upload === 'done' && !awaitsQuiet) {
        counter.finished(state);
        return true;
      }
      if (upload === 'failed' && breaker.trouble === undefined) return true;
      if (awaitsQuiet) maySettle = false;
      const waitMs = awaitsQuiet ? recordsQuietMs : breaker.notBeforeMs - clock.monotonic();
      await clock.sleep(Math.max(250, Math.min(waitMs, patienceMs)), signal);
    }
    return false;
  });
}

/** The same at shutdown, within the time it has. */
export async function finishOne(drain: Drain, state: UploadState, deadline: number): Promise<void> {
  const { uploader, clock } = drain;
  await drained(drain, state, async () => {
    while (clock.monotonic() < deadline) {
      const upload = await uploader.upload(state, liveParts);
      const isSourceBroken = upload === 'failed' && uploader.breaker.trouble === undefined;
      if (upload === 'done' || isSourceBroken) return true;
      const left = Math.max(0, deadline - clock.monotonic());
      if (upload !== 'again') await clock.sleep(Math.min(500, left));
    }
    return false;
  });
}

/** Marks a stream as busy while `work` runs, and so shows whether it finished. If not, the stream is due again. */
async function drained(
  { uploader, clock }: Drain,
  state: UploadState,
  work: () => Promise<boolean>,
): Promise<void> {
  state.isFlushing = true;
  state.flushing(clock.monotonic());
  try {
    if (!(await work())) state.again(clock.monotonic());
  } catch (error) {
    uploader.failed(error, state);
  } finally {
    state.isFlushing = false;
  }
}
