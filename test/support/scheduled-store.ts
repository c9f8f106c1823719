import type { Bucket, Conditional } from '../../src/bucket/bucket.js';
import { UnreachableError } from '../../src/errors.js';
import { MemoryStore } from './memory-bucket.js';

/** What may happen to one write besides being applied and answered. */
export type WriteFate =
  | 'answered'
  /** Applied; its answer is an error. */
  | 'answer-lost'
  /** Never arrives; its answer is an error. */
  | 'request-lost'
  /** Its answer is an error, and it arrives at some later moment. */
  | 'late'
  /** Applied at once, answered at some later moment. */
  | 'answer-late'
  /** A proxy sends it twice and passes on the second answer. */
  | 'twice';

export interface ScheduleOptions {
  /** Chooses among `count` possibilities. */
  choose(count: number): number;
  /** How often each of these may happen in one schedule. */
  readonly budget: Partial<
    Record<Exclude<WriteFate, 'answered'> | 'crash' | 'unavailable' | 'outage' | 'tick', number>
  >;
  /** Milliseconds of store time that pass with one tick. */
  readonly tickMs: number;
  /** Looked at after every request. */
  check(): void;
  /** Time has passed. */
  onTick?(): void;
  /** Nobody waits for the store: whether anything goes on without it, by the clock. */
  onIdle?(): boolean;
}

interface Waiting {
  readonly actor: string;
  go(): void;
}

/**
 * A store whose requests are let through one by one, in an order that the schedule chooses, with what may go wrong on the way. A
 * process that crashes never gets another answer.
 */
export class ScheduledStore {
  readonly store = new MemoryStore(true);
  /** What happened, in order; for the message of a test that fails. */
  readonly trace: string[] = [];
  readonly dead = new Set<string>();
  readonly #options: ScheduleOptions;
  readonly #waiting: Waiting[] = [];
  readonly #late: (() => void)[] = [];
  readonly #left: Record<string, number>;
  readonly #down = new Map<string, number>();

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#left = { ...options.budget };
  }

  /** The store as one process sees it. `sturdy`: it never crashes. */
  client(actor: string, { sturdy = false }: { readonly sturdy?: boolean } = {}): Bucket {
    const plain = this.store.client();
    const read = <T>(what: string, make: () => Promise<T>): Promise<T> =>
      this.#turn(actor, what, sturdy, make);
    const write = <T extends Conditional | { readonly etag: string }>(
      what: string,
      make: () => Promise<T>,
    ): Promise<T> => this.#turn(actor, what, sturdy, () => this.#write(what, make));
    return {
      ...plain,
      get: (key, options) => read(`GET ${key}`, () => plain.get(key, options)),
      put: (key, body) => write(`PUT ${key}`, () => plain.put(key, body)),
      putIfAbsent: (key, body) => write(`CREATE ${key}`, () => plain.putIfAbsent(key, body)),
      putIfMatch: (key, body, etag) =>
        write(`REPLACE ${key}`, () => plain.putIfMatch(key, body, etag)),
    };
  }

  /** Anything else that a process does, let through in its turn. */
  pass(actor: string, what: string): Promise<void> {
    return this.#turn(actor, what, true, async () => undefined);
  }

  /** Until nobody waits for anything. */
  async run(work: readonly Promise<unknown>[]): Promise<void> {
    let isOver = false;
    void Promise.allSettled(work).then(() => {
      isOver = true;
    });
    for (let turn = 0; ; turn += 1) {
      if (turn > mostTurns) throw new Error(`no end:\n${this.trace.slice(-40).join('\n')}`);
      await quiescence();
      if (isOver && this.#waiting.length === 0) break;
      if (this.#waiting.length === 0 && this.dead.size > 0 && this.#options.onIdle === undefined)
        break;
      if (this.#waiting.length === 0) {
        this.#idle();
        continue;
      }
      this.#step();
      await quiescence();
      this.#options.check();
    }
    for (const arrive of this.#late.splice(0)) arrive();
    await quiescence();
    this.#options.check();
  }

  /** What is on its way arrives, or time goes on to when somebody wakes. */
  #idle(): void {
    const { choose, onIdle } = this.#options;
    const isFirst = this.#late.length > 0 && choose(4) === 0;
    if (!isFirst && onIdle?.() === true) return;
    this.#late.shift()?.();
  }

  #step(): void {
    const { choose, tickMs } = this.#options;
    const ticks = this.#has('tick') ? 1 : 0;
    const choice = choose(this.#waiting.length + this.#late.length + ticks);
    if (choice < this.#waiting.length) {
      this.#waiting.splice(choice, 1)[0]?.go();
      return;
    }
    if (choice < this.#waiting.length + this.#late.length) {
      this.trace.push('a late request arrives');
      this.#late.splice(choice - this.#waiting.length, 1)[0]?.();
      return;
    }
    this.#spend('tick');
    this.trace.push('time passes');
    this.store.nowMs += tickMs;
    this.#options.onTick?.();
  }

  #turn<T>(actor: string, what: string, sturdy: boolean, make: () => Promise<T>): Promise<T> {
    if (this.dead.has(actor)) return never();
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        actor,
        go: () => {
          if (this.dead.has(actor)) return;
          if (!sturdy && this.#happens('crash', 12)) {
            this.trace.push(`${actor} crashes before ${what}`);
            this.dead.add(actor);
            return;
          }
          if (!what.startsWith('readdir') && this.#isDown(actor)) {
            this.trace.push(`${actor} ${what}: 503`);
            reject(new UnreachableError('simulated: 503'));
            return;
          }
          this.trace.push(`${actor} ${what}`);
          make().then(resolve, reject);
        },
      });
    });
  }

  /** Five in a row: more than a retry that gives up early has patience for. */
  #isDown(actor: string): boolean {
    const begins = this.#happens('unavailable', 20) ? 5 : this.#happens('outage', 10) ? 150 : 0;
    const left = this.#down.get(actor) ?? begins;
    this.#down.set(actor, Math.max(0, left - 1));
    if (left <= 1) this.#down.delete(actor);
    return left > 0;
  }

  async #write<T extends Conditional | { readonly etag: string }>(
    what: string,
    make: () => Promise<T>,
  ): Promise<T> {
    const fate = this.#fate(what);
    if (fate === 'answered') return make();
    this.trace.push(`  … ${fate}`);
    if (fate === 'twice') {
      await make();
      return make();
    }
    if (fate === 'answer-late') {
      const answer = await make();
      return new Promise((resolve) => this.#late.push(() => resolve(answer)));
    }
    if (fate === 'answer-lost') await make();
    if (fate === 'late') this.#late.push(() => void make());
    throw new UnreachableError('simulated: no answer');
  }

  #fate(what: string): WriteFate {
    const isConditional = !what.startsWith('PUT ');
    for (const fate of ['answer-lost', 'request-lost', 'late', 'answer-late', 'twice'] as const) {
      if (fate === 'twice' && !isConditional) continue;
      if (this.#happens(fate, 8)) return fate;
    }
    return 'answered';
  }

  #happens(what: string, oneIn: number): boolean {
    if (!this.#has(what) || this.#options.choose(oneIn) !== oneIn - 1) return false;
    this.#spend(what);
    return true;
  }

  #has(what: string): boolean {
    return (this.#left[what] ?? 0) > 0;
  }

  #spend(what: string): void {
    this.#left[what] = (this.#left[what] ?? 0) - 1;
  }
}

/** A schedule that goes on for longer has stopped getting anywhere. */
const mostTurns = 20_000;

function quiescence(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/** The same numbers for the same seed. */
export function seeded(seed: number): (count: number) => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return (count) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * count) | 0;
  };
}
