import type { TimelineEntry } from './entry.js';
import type { RunReader } from './read.js';
import type { StateObject } from './state-objects.js';
import { inOrder, TimelineBuilder } from './timeline.js';

/**
 * The entries of a run in order, as soon as they are certain: an event waits only while an earlier
 * state may still turn out to have no event. A run with all its events streams through; if a writer
 * was stopped, everything later waits for the end.
 */
export async function* streamTimeline(reader: RunReader): AsyncGenerator<TimelineEntry> {
  const telling = new TimelineBuilder(await reader.state());
  const waiting = new Candidates(telling);
  let held: TimelineEntry[] = [];
  for await (const { entry } of reader.events()) {
    if (!telling.add(entry)) continue;
    held.push(entry);
    const first = waiting.first();
    if (first === undefined || inOrder(entry, first) < 0) {
      yield* held;
      held = [];
      continue;
    }
    const certain = held.findIndex((one) => inOrder(one, first) > 0);
    if (certain > 0) yield* held.splice(0, certain);
  }
  const { derived } = telling.end(await reader.mail(telling.untoldMail));
  yield* merged(held, derived);
}

/** What the states would show if no event came, in order. */
class Candidates {
  readonly #telling: TimelineBuilder;
  readonly #all: readonly { readonly thing: StateObject; readonly entry: EntryOrder }[];
  #at = 0;

  constructor(telling: TimelineBuilder) {
    this.#telling = telling;
    this.#all = telling.things
      .flatMap((thing) =>
        telling.untold(thing).map(({ timeNs, key, type }) => ({
          thing,
          entry: { timeNs, key, type },
        })),
      )
      .sort((left, right) => inOrder(left.entry, right.entry));
  }

  /** The first one still open. */
  first(): EntryOrder | undefined {
    for (; this.#at < this.#all.length; this.#at += 1) {
      const candidate = this.#all[this.#at];
      if (candidate === undefined) return undefined;
      const { key, type } = candidate.entry;
      const isLeft = this.#telling
        .untold(candidate.thing)
        .some((one) => one.key === key && one.type === type);
      if (isLeft) return candidate.entry;
    }
    return undefined;
  }
}

type EntryOrder = Pick<TimelineEntry, 'timeNs' | 'key' | 'type'>;

function* merged(
  left: readonly TimelineEntry[],
  right: readonly TimelineEntry[],
): Generator<TimelineEntry> {
  let at = 0;
  for (const entry of left) {
    for (let next = right[at]; next !== undefined && inOrder(next, entry) < 0; next = right[at]) {
      yield next;
      at += 1;
    }
    yield entry;
  }
  yield* right.slice(at);
}
