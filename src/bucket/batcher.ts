import type { Clock } from '../clock.js';
import { stopped, throwIfAborted } from './aborted.js';

interface CoalesceOptions<Item, Out> {
  readonly clock: Clock;
  /** Milliseconds the first item of a group waits for others. */
  readonly lingerMs: number;
  /** Groups in flight at once. */
  readonly lanes: number;
  readonly maxItems: number;
  /** A group closes before the item that would exceed this weight; a heavier item gets a group of its own. */
  readonly maxWeight: number;
  readonly weightOf: (item: Item) => number;
  /** Items with the same key never share a group and keep their order. */
  readonly keyOf: (item: Item) => string;
  /** Each item's outcome, by key. If this throws, every item fails with that error. */
  readonly send: (items: readonly Item[]) => Promise<ReadonlyMap<string, Outcome<Out>>>;
}

export type Outcome<Out> =
  | { readonly ok: true; readonly value: Out }
  | { readonly ok: false; readonly error: Error };

/**
 * Resolves with the item's own outcome. Aborting drops an item that was not sent yet and stops waiting for one that
 * was.
 */
export type Submit<Item, Out> = (item: Item, signal?: AbortSignal) => Promise<Out>;

interface Waiting<Item, Out> {
  readonly item: Item;
  readonly key: string;
  readonly resolve: (value: Out) => void;
  readonly reject: (error: unknown) => void;
}

/** Merges concurrent calls into one, for a store that counts requests. */
export function coalesce<Item, Out>(options: CoalesceOptions<Item, Out>): Submit<Item, Out> {
  let waiting: Waiting<Item, Out>[] = [];
  let busy = 0;
  const underWay = new Set<string>();

  const pump = async (): Promise<void> => {
    busy += 1;
    try {
      if (options.lingerMs > 0) await options.clock.sleep(options.lingerMs);
      else await new Promise(setImmediate);
      for (;;) {
        const group = takeGroup(waiting, underWay, options);
        if (group.length === 0) return;
        waiting = waiting.filter((one) => !group.includes(one));
        for (const { key } of group) underWay.add(key);
        await sendGroup(group, options.send);
        for (const { key } of group) underWay.delete(key);
      }
    } finally {
      busy -= 1;
    }
  };

  return (item, signal) =>
    new Promise((resolve, reject) => {
      throwIfAborted(signal);
      const leave = (): void => {
        waiting = waiting.filter((other) => other !== one);
        if (signal !== undefined) one.reject(stopped(signal));
      };
      const done = (): void => signal?.removeEventListener('abort', leave);
      const one: Waiting<Item, Out> = {
        item,
        key: options.keyOf(item),
        resolve: (value) => {
          done();
          resolve(value);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      waiting.push(one);
      if (busy < options.lanes) pump().catch(reject);
    });
}

function takeGroup<Item, Out>(
  waiting: readonly Waiting<Item, Out>[],
  underWay: ReadonlySet<string>,
  { maxItems, maxWeight, weightOf }: CoalesceOptions<Item, Out>,
): Waiting<Item, Out>[] {
  const group: Waiting<Item, Out>[] = [];
  const taken = new Set(underWay);
  let weight = 0;
  for (const one of waiting) {
    const isFull = group.length > 0 && weight + weightOf(one.item) > maxWeight;
    if (group.length >= maxItems || isFull) break;
    if (taken.has(one.key)) continue;
    taken.add(one.key);
    weight += weightOf(one.item);
    group.push(one);
  }
  return group;
}

async function sendGroup<Item, Out>(
  group: readonly Waiting<Item, Out>[],
  send: CoalesceOptions<Item, Out>['send'],
): Promise<void> {
  try {
    const outcomes = await send(group.map(({ item }) => item));
    for (const { key, resolve, reject } of group) {
      const outcome = outcomes.get(key);
      if (outcome?.ok === true) resolve(outcome.value);
      else reject(outcome?.error ?? new Error(`the answer does not mention ${key}`));
    }
  } catch (error) {
    for (const { reject } of group) reject(error);
  }
}
