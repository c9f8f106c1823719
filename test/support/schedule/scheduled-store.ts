import { createHash } from 'node:crypto';
import type { Bucket, Entry } from '../../../src/bucket/bucket.js';
import { UnreachableError } from '../../../src/errors.js';
import { MemoryStore } from '../memory-bucket.js';
import { asActor } from './repeatable-random.js';

/** What may go wrong with one write. */
const writeFaults = [
  /** Applied; its answer is an error. */
  'answer-lost',
  /** Never arrives; its answer is an error. */
  'request-lost',
  /** Its answer is an error, and it arrives at some later moment. */
  'late',
  /** Applied at once, answered at some later moment. */
  'answer-late',
  /** A proxy sends it twice and passes on the second answer. */
  'twice',
] as const;

/** What may go wrong with a process, or with its connection. */
const actorFaults = {
  crash: 0,
  /** 503 this often in a row: what a patient retry outlasts, and what it does not. */
  unavailable: 5,
  outage: 12,
  /** For a command that goes on retrying. */
  blackout: 150,
} as const;

export type Fault = (typeof writeFaults)[number] | keyof typeof actorFaults;

/** How often each of these may happen in one schedule. */
export type Budget = Partial<Record<Fault | 'tick', number>>;

export interface Move {
  readonly label: string;
  readonly kind: 'go' | 'tick' | 'fault' | 'arrival' | 'wake';
  /** Nobody else sees it, and its failure changes nothing, so it needs no other order. */
  readonly isPrivate?: boolean;
  make(): void;
}

/** Chooses the next move; `undefined`: this schedule needs no end. `state` names where it has come to. */
export type Choose = (moves: readonly Move[], state: () => string) => Move | undefined;

export interface ScheduleOptions {
  readonly choose: Choose;
  readonly budget: Budget;
  /** Of all kinds together; time that passes is no fault. */
  readonly mostFaults: number;
  /** Milliseconds of store time that pass with one tick. */
  readonly tickMs: number;
  /** Whether looking at the store's clock takes a request. */
  readonly isClockScheduled?: boolean;
  /** Looked at after every move; what is wrong ends the schedule. */
  check(): string | undefined;
  /** What the processes have besides their answers, for naming a state. */
  memory(): unknown;
  onTick?(): void;
  /** Nobody waits for the store: when the next one wakes up by the clock, and how to wake it. */
  nextWake?(): (() => void) | undefined;
}

interface Waiting {
  readonly actor: string;
  readonly what: string;
  readonly isSturdy: boolean;
  readonly isWrite: boolean;
  go(fault: Fault | undefined): void;
}

interface Late {
  readonly label: string;
  arrive(): void;
}

/** A schedule that goes on for longer has stopped getting anywhere. */
const mostMoves = 4_000;

/**
 * A store whose requests are let through one by one, in an order that the schedule chooses, with what may go wrong on
 * the way. A process that crashes never gets another answer.
 */
export class ScheduledStore {
  readonly store = new MemoryStore(true);
  /** What happened, in order; for the message of a test that fails. */
  readonly trace: string[] = [];
  readonly dead = new Set<string>();
  /** Which process sent a write with these bytes. */
  readonly senders = new Map<string, string>();
  readonly #options: ScheduleOptions;
  readonly #waiting: Waiting[] = [];
  readonly #late: Late[] = [];
  readonly #left: Record<string, number>;
  #faultsLeft: number;
  readonly #down = new Map<string, number>();
  /** What each process was answered; answers to requests sent at once count in any order. */
  readonly #answers = new Map<string, bigint>();

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#left = { ...options.budget };
    this.#faultsLeft = options.mostFaults;
  }

  /** The store as one process sees it. `sturdy`: it never crashes. */
  client(actor: string, { sturdy = false }: { readonly sturdy?: boolean } = {}): Bucket {
    const plain = this.store.client();
    const read = <T>(what: string, make: () => Promise<T>): Promise<T> =>
      this.#turn({ actor, what, isSturdy: sturdy, isWrite: false }, make);
    const write = <T>(what: string, body: Uint8Array, make: () => Promise<T>): Promise<T> => {
      this.senders.set(digest(body), actor);
      const request = { actor, what: `${what} ${digest(body)}`, isSturdy: sturdy, isWrite: true };
      return this.#turn(request, make);
    };
    const list = (prefix: string, options: object): Promise<Entry[]> =>
      read(`LIST ${prefix}`, () => collected(plain.list(prefix, options)));
    return {
      ...plain,
      get: (key, options) => read(`GET ${key}`, () => plain.get(key, options)),
      put: (key, body) => write(`PUT ${key}`, body, () => plain.put(key, body)),
      putIfAbsent: (key, body) => write(`CREATE ${key}`, body, () => plain.putIfAbsent(key, body)),
      putIfMatch: (key, body, etag) =>
        write(`REPLACE ${key}`, body, () => plain.putIfMatch(key, body, etag)),
      delete: (key) => read(`DELETE ${key}`, () => plain.delete(key)),
      async *list(prefix, options = {}) {
        yield* await list(prefix, options);
      },
      now: async () => {
        if (this.#options.isClockScheduled === true) await this.pass(actor, 'NOW');
        this.#remember(actor, `NOW ${this.store.nowMs}`);
        return new Date(this.store.nowMs);
      },
    };
  }

  /** Anything else that a process does, let through in its turn. */
  pass(actor: string, what: string): Promise<void> {
    const request = { actor, what, isSturdy: true, isWrite: false };
    return this.#turn(request, async () => undefined);
  }

  /** A process that has ended counts by what it told alone. */
  ended(actor: string, told: unknown): void {
    this.#answers.set(actor, BigInt(`0x${digest(JSON.stringify(told))}`));
  }

  /**
   * Until nobody waits for anything. Says what is wrong; `cut`: the schedule was not worth its end.
   */
  async run(work: readonly Promise<unknown>[]): Promise<string | 'cut' | undefined> {
    let isOver = false;
    void Promise.allSettled(work).then(() => {
      isOver = true;
    });
    for (let made = 0; made < mostMoves; made += 1) {
      await quiescence();
      const problem = this.#options.check();
      if (problem !== undefined) return problem;
      const moves = this.#moves(isOver);
      if (moves.length === 0) return undefined;
      const move = this.#options.choose(moves, () => this.#state());
      if (move === undefined) return 'cut';
      this.trace.push(move.label);
      move.make();
    }
    return 'no end';
  }

  #moves(isOver: boolean): Move[] {
    const arrivals = this.#late.map(
      (late): Move => ({
        label: late.label,
        kind: 'arrival',
        make: () => {
          this.#late.splice(this.#late.indexOf(late), 1);
          late.arrive();
        },
      }),
    );
    const living = this.#waiting.filter(({ actor }) => !this.dead.has(actor));
    // What a store in trouble answers is nothing that others could see.
    const refused = living.find(({ actor, what }) => this.#down.has(actor) && isRequest(what));
    if (refused !== undefined) return [this.#refusal(refused)];
    const wake = living.length === 0 && !isOver ? this.#options.nextWake?.() : undefined;
    return [
      ...living.flatMap((one) => this.#movesOf(one)),
      ...(living.length > 0 ? this.#troubles(living) : []),
      ...arrivals,
      ...(living.length > 0 ? this.#tick() : []),
      ...(wake === undefined ? [] : [{ label: 'time goes on', kind: 'wake', make: wake } as const]),
    ];
  }

  #movesOf(one: Waiting): Move[] {
    const { actor, what, isWrite } = one;
    const go = (fault: Fault | undefined): Move => ({
      label: `${actor} ${what}${fault === undefined ? '' : ` … ${fault}`}`,
      kind: fault === undefined ? 'go' : 'fault',
      isPrivate: fault === undefined && isEvent(what),
      make: () => {
        if (fault !== undefined) this.#spend(fault);
        this.#take(one).go(fault);
      },
    });
    const faults = isWrite ? writeFaults.filter((fault) => this.#has(fault)) : [];
    // An unconditional write that is sent twice is the same as one.
    const isPlain = what.startsWith('PUT ');
    return [go(undefined), ...faults.filter((one) => one !== 'twice' || !isPlain).map(go)];
  }

  #troubles(living: readonly Waiting[]): Move[] {
    const actors = new Set(living.filter(({ isSturdy }) => !isSturdy).map(({ actor }) => actor));
    const faults = (['crash', 'unavailable', 'outage', 'blackout'] as const).filter((fault) =>
      this.#has(fault),
    );
    return [...actors].flatMap((actor) =>
      faults.map(
        (fault): Move => ({
          label: `${actor} … ${fault}`,
          kind: 'fault',
          make: () => {
            this.#spend(fault);
            if (fault === 'crash') this.dead.add(actor);
            else this.#down.set(actor, actorFaults[fault]);
          },
        }),
      ),
    );
  }

  #tick(): Move[] {
    if ((this.#left.tick ?? 0) <= 0) return [];
    const make = (): void => {
      this.#left.tick = (this.#left.tick ?? 0) - 1;
      this.store.nowMs += this.#options.tickMs;
      this.#options.onTick?.();
    };
    return [{ label: 'time passes', kind: 'tick', make }];
  }

  #refusal(one: Waiting): Move {
    const { actor, what } = one;
    return {
      label: `${actor} ${what}: 503`,
      kind: 'go',
      make: () => {
        const left = (this.#down.get(actor) ?? 1) - 1;
        if (left > 0) this.#down.set(actor, left);
        else this.#down.delete(actor);
        this.#take(one).go('unavailable');
      },
    };
  }

  #take(one: Waiting): Waiting {
    this.#waiting.splice(this.#waiting.indexOf(one), 1);
    return one;
  }

  #turn<T>(request: Omit<Waiting, 'go'>, make: () => Promise<T>): Promise<T> {
    const { actor, what } = request;
    if (this.dead.has(actor)) return never();
    return new Promise((resolve, reject) => {
      const answer = (told: Promise<T>): void => {
        told.then(
          (value) => {
            this.#remember(actor, `${what} ${textOf(value)}`);
            resolve(value);
          },
          (error: unknown) => {
            this.#remember(actor, `${what} failed`);
            reject(error);
          },
        );
      };
      this.#waiting.push({
        ...request,
        go: (fault) => answer(this.#answer(`${actor}: ${what}`, fault, make)),
      });
    });
  }

  async #answer<T>(label: string, fault: Fault | undefined, make: () => Promise<T>): Promise<T> {
    if (fault === undefined) return make();
    if (fault === 'unavailable') throw new UnreachableError('simulated: 503');
    if (fault === 'twice') {
      await make();
      return make();
    }
    if (fault === 'answer-late') {
      const value = await make();
      return new Promise((resolve) => {
        this.#late.push({ label: `answer to ${label}`, arrive: () => resolve(value) });
      });
    }
    if (fault === 'answer-lost') await make();
    if (fault === 'late') {
      this.#late.push({ label: `arrives late: ${label}`, arrive: () => void make() });
    }
    throw new UnreachableError('simulated: no answer');
  }

  #remember(actor: string, what: string): void {
    const before = this.#answers.get(actor) ?? 0n;
    const now = `${what} ${this.store.nowMs}`;
    this.#answers.set(actor, before + BigInt(`0x${digest(now)}`));
  }

  /** Two schedules that come to the same state have the same future. */
  #state(): string {
    const objects = [...this.store.objects].map(
      ([key, { body, modifiedAt }]) => `${key} ${digest(body)} ${modifiedAt.getTime()}`,
    );
    const answers = [...this.#answers].map(([actor, sum]) =>
      this.dead.has(actor) ? `${actor} is dead` : `${actor} ${sum}`,
    );
    const waiting = this.#waiting
      .filter(({ actor }) => !this.dead.has(actor))
      .map(({ actor, what }) => `${actor} ${what}`);
    const late = this.#late.map(({ label }) => label);
    return digest(
      JSON.stringify([
        ...[objects, answers, waiting, late].map((all) => all.sort()),
        [...this.dead].sort(),
        Object.entries(this.#left).sort(),
        [...this.#down].sort(),
        [this.#faultsLeft, this.store.nowMs],
        this.#options.memory(),
      ]),
    );
  }

  #has(fault: Fault): boolean {
    return this.#faultsLeft > 0 && (this.#left[fault] ?? 0) > 0;
  }

  #spend(fault: Fault): void {
    this.#faultsLeft -= 1;
    this.#left[fault] = (this.#left[fault] ?? 0) - 1;
  }

  /** The code of one process, with random numbers of its own. */
  start<T>(actor: string, work: () => Promise<T>): Promise<T> {
    return asActor(actor, work);
  }
}

function isRequest(what: string): boolean {
  return /^(GET|PUT|CREATE|REPLACE|DELETE|LIST) /.test(what);
}

/** An event of its own, which no process here reads. */
function isEvent(what: string): boolean {
  return /^PUT [^/]+\/events\//.test(what);
}

function textOf(value: unknown): string {
  if (!isAnswer(value)) return JSON.stringify(value) ?? '';
  return `${value.etag} ${value.modifiedAt.getTime()}`;
}

function isAnswer(value: unknown): value is { readonly etag: string; readonly modifiedAt: Date } {
  return typeof value === 'object' && value !== null && 'modifiedAt' in value && 'etag' in value;
}

const digests = new WeakMap<Uint8Array, string>();

/** 24 hex digits. */
function digest(value: Uint8Array | string): string {
  const known = typeof value === 'string' ? undefined : digests.get(value);
  if (known !== undefined) return known;
  const text = createHash('md5').update(value).digest('hex').slice(0, 24);
  if (typeof value !== 'string') digests.set(value, text);
  return text;
}

export function senderOf(scheduled: ScheduledStore, body: Uint8Array): string | undefined {
  return scheduled.senders.get(digest(body));
}

async function collected(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const all: Entry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

function quiescence(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
