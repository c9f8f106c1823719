import {
  type FileSnapshot,
  type Pass,
  restingAfterMs,
  restingEveryTurns,
  type Stream,
  type Survey,
} from '../stream.js';
import type { WatchContext } from './context.js';
import { noEvents } from './file-events.js';
import type { SessionFilter } from './session-filter.js';
import type { StreamUploader } from './stream-uploader.js';
import type { UploadQueue } from './upload-queue.js';
import { isCalm } from './upload-state.js';

interface SweepContext extends Pick<WatchContext, 'watchers' | 'registry' | 'clock' | 'settings'> {
  readonly filter: SessionFilter;
  readonly uploader: StreamUploader;
  readonly queue: UploadQueue;
  /** Looks at one stream. */
  readonly glance: (stream: Stream) => Promise<void>;
}

const sliceStreams = 200;
/** What is due during a sweep is sent this often: finding it takes a look at every stream. */
const flushMs = 100;
/** What is calm is looked at once per this many sweeps: once in three minutes. */
const calmEverySweeps = 18;
/** The same of a watch that was told to do without file events. */
const calmEveryPolls = 6;

/** A look at everything, whether or not there were file events. Where these work, what is calm is looked at less often. */
export class Sweep {
  readonly #context: SweepContext;
  #count = 0;

  constructor(context: SweepContext) {
    this.#context = context;
  }

  async run(hasEvents: boolean): Promise<void> {
    const { watchers, filter, uploader, clock, settings, glance } = this.#context;
    this.#count += 1;
    const breathe = this.#breath();
    const survey: Survey = {};
    const looked = new Set<Stream>();
    const isHeard = hasEvents && settings.events !== noEvents;
    for (const [index, watcher] of watchers.entries()) {
      // One harness after another, so that no sweep has to look at all of them.
      const turn: Pass = this.#isTurnOf(index) ? 'turn' : 'recent';
      const pass = isHeard ? turn : 'all';
      const turns = Math.floor((index + this.#count) / calmEverySweeps);
      let count = 0;
      for await (const some of filter.of(watcher, pass)) {
        for (const stream of some) {
          count += 1;
          const isCalmTurn = isHeard
            ? turn === 'turn'
            : !hasEvents || (count + this.#count) % calmEveryPolls === 0;
          const last = this.#lastOf(stream);
          if (!isCalm(last, clock)) {
            looked.add(stream);
            await glance(stream);
          } else if (isCalmTurn && !(isHeard && this.#isResting(last, turns))) {
            if (!(await isAsBefore(stream, last, survey))) await glance(stream);
          }
          if (count % sliceStreams === 0) await breathe();
        }
      }
    }
    // A pass over what is recent leaves out streams in folders that are as they were.
    if (!isHeard) return;
    let more = 0;
    for (const { mirrored, seen } of [...uploader.awake]) {
      const { source } = mirrored.mirror;
      if (isCalm(seen, clock) || looked.has(source)) continue;
      await glance(source);
      more += 1;
      if (more % sliceStreams === 0) await breathe();
    }
  }

  #isTurnOf(index: number): boolean {
    return (index + this.#count) % calmEverySweeps === 0;
  }

  #lastOf({ source }: Stream): FileSnapshot | undefined {
    const { registry, uploader, filter } = this.#context;
    const mirrored = registry.mirroredStreamOf(source);
    return mirrored ? uploader.of(mirrored).seen : filter.dormantSnapshot(source);
  }

  /** Until a turn comes that is its own: its time, which stays as it is, says which. */
  #isResting({ modifiedAtMs }: FileSnapshot, turns: number): boolean {
    if (modifiedAtMs >= this.#context.clock.now() - restingAfterMs) return false;
    return (Math.floor(modifiedAtMs / 1_000) + turns) % restingEveryTurns !== 0;
  }

  /** Lets others have their turn now and then, and sends what is due. */
  #breath(): () => Promise<void> {
    const { clock, queue } = this.#context;
    let flushAtMs = clock.monotonic() + flushMs;
    return async () => {
      if (clock.monotonic() >= flushAtMs) {
        queue.flushDue();
        flushAtMs = clock.monotonic() + flushMs;
      }
      await new Promise((resolve) => setImmediate(resolve));
    };
  }
}

/** Most are: what is not is looked at by itself, which also says why it cannot be. */
async function isAsBefore(stream: Stream, last: FileSnapshot, survey: Survey): Promise<boolean> {
  try {
    return (await stream.changed(last, survey)) === undefined;
  } catch {
    return false;
  }
}
