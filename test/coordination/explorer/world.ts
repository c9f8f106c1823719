import type { Bucket } from '../../../src/bucket/bucket.js';
import { patientRetry, withRetry } from '../../../src/bucket/retry.js';
import type { Clock } from '../../../src/clock.js';
import { inParallel } from '../../../src/concurrency.js';
import {
  type HolderFile,
  type HolderFiles,
  openHolderFiles,
} from '../../../src/coordination/claims/holder-files.js';
import type { CoordinationContext } from '../../../src/coordination/context.js';
import type { LastTimestamp } from '../../../src/coordination/last-timestamp.js';
import { LostError, UnreachableError, UsageError } from '../../../src/errors.js';
import { type ClaimDocument, claimSchema } from '../../../src/protocol/coordination.js';
import { parseDocument } from '../../../src/protocol/documents.js';
import { bucketLayout } from '../../../src/protocol/keys.js';
import { rememberedHere } from '../../support/agents-rig.js';
import { MemoryFiles } from '../../support/memory-files.js';
import { asActor } from '../../support/schedule/repeatable-random.js';
import {
  type Budget,
  type Choose,
  ScheduledStore,
  senderOf,
} from '../../support/schedule/scheduled-store.js';
import { SharedClock } from '../../support/schedule/shared-clock.js';

export const layout = bucketLayout('demo');
export const ttlMs = 10_000;

/** How a process of a scenario ended, as its exit code tells. */
export interface End {
  readonly exit: 0 | 4 | 8;
  /** A claim that was told as won. */
  readonly won?: { readonly epoch: number; readonly nonce: string } | undefined;
  readonly said?: string | undefined;
  readonly renewals?: number | undefined;
}

export type Told = Omit<End, 'exit'>;

export interface Scenario {
  readonly budget: Budget;
  /** Milliseconds of a tick. */
  readonly tickMs?: number;
  /** The clock of the processes goes with the store's. */
  readonly isTimed?: boolean;
  readonly isUnarbitrated?: boolean;
  /** What was there before, written without any trouble. */
  prepare?(world: World): Promise<void>;
  start(world: World): void;
  /** After each move. */
  check?(world: World): string | undefined;
  /** After all of it: what the next ones who look do and find. */
  finish?(world: World): Promise<string | undefined>;
}

const claimKey = layout.claim('s');
const hasty: Clock = { now: () => 0, monotonic: () => 0, sleep: async () => undefined };

/** Several processes around one simulated store. */
export class World {
  readonly scheduled: ScheduledStore;
  readonly ends = new Map<string, End>();
  /** Every state that the claim of step `s` ever had. */
  readonly claims: ClaimDocument[] = [];
  /** Who works at something now, and what was worked at. */
  readonly running = new Set<string>();
  readonly worked: string[] = [];
  readonly #scenario: Scenario;
  readonly #clock: SharedClock;
  readonly #work: Promise<void>[] = [];
  readonly #places = new Map<string, Map<string, HolderFile>>();
  readonly #files = new MemoryFiles();
  readonly #stamps = new Map<string, LastTimestamp>();
  #problem: string | undefined;
  #lastBody = '';
  #writtenMs = 0;

  constructor(scenario: Scenario, choose: Choose, mostFaults: number) {
    this.#scenario = scenario;
    const { budget, tickMs = ttlMs / 2 + 600, isTimed = false } = scenario;
    this.#clock = new SharedClock(() => this.scheduled.store.nowMs);
    this.scheduled = new ScheduledStore({
      choose,
      budget,
      mostFaults,
      tickMs,
      isClockScheduled: (budget.tick ?? 0) > 0 && !isTimed,
      check: () => this.#check(),
      memory: () => this.#memory(),
      ...(isTimed ? { onTick: () => this.#clock.wake(), nextWake: () => this.#nextWake() } : {}),
    });
    this.scheduled.store.nowMs = Date.parse('2026-01-02T03:04:05Z');
  }

  context(actor: string, agent = actor, { sturdy = false } = {}): CoordinationContext {
    return this.#contextOver(this.scheduled.client(actor, { sturdy }), actor, agent);
  }

  /** Without any trouble, for what was before and what comes after. */
  calm(agent: string): CoordinationContext {
    return this.#contextOver(this.scheduled.store.client(), `calm ${agent}`, agent);
  }

  /** What one session or terminal remembers. */
  place(name: string): HolderFiles {
    const files = this.#places.get(name) ?? new Map<string, HolderFile>();
    this.#places.set(name, files);
    return rememberedHere(files);
  }

  /** The same in files; an actor's looks at the folder are let through in turn. */
  folder(agent: string, actor?: string): HolderFiles {
    const look = (what: string) =>
      actor === undefined ? alone() : this.scheduled.pass(actor, what);
    const files = new MemoryFiles(this.#files, look);
    return openHolderFiles(files, '/state', { agent, place: agent });
  }

  /** Runs alongside the others. */
  process(actor: string, run: () => Promise<Told | undefined>): void {
    const tell = (end: End): void => {
      this.ends.set(actor, end);
      this.scheduled.ended(actor, end);
    };
    this.#work.push(
      asActor(actor, run).then(
        (told) => tell({ exit: 0, ...told }),
        (error: unknown) => {
          if (error instanceof LostError || error instanceof UsageError) tell({ exit: 4 });
          else if (error instanceof UnreachableError) tell({ exit: 8 });
          else this.violate(`${actor} failed: ${error}`);
        },
      ),
    );
  }

  violate(problem: string): void {
    this.#problem ??= problem;
  }

  clock(): Clock {
    return this.#scenario.isTimed === true ? this.#clock : hasty;
  }

  exits0(): [string, End][] {
    return [...this.ends].filter(([, { exit }]) => exit === 0);
  }

  json(key: string): Record<string, unknown> | undefined {
    const stored = this.scheduled.store.objects.get(key);
    return stored === undefined ? undefined : JSON.parse(String(stored.body));
  }

  /** Exit 0 is told once per epoch and only of what was written; exit 4 only of what is not one's own. */
  winners(): string | undefined {
    const told = this.exits0().flatMap(([actor, { won }]) =>
      won === undefined ? [] : [{ actor, won }],
    );
    for (const { actor, won } of told) {
      const others = told.filter((one) => one.won.epoch === won.epoch);
      if (others.length > 1) return `two were told that epoch ${won.epoch} is theirs`;
      const isWritten = this.claims.some(({ nonce }) => nonce === won.nonce);
      if (!isWritten) return `${actor} was told that it won, and its claim was never written`;
    }
    const stored = this.scheduled.store.objects.get(claimKey);
    const sender = stored === undefined ? undefined : senderOf(this.scheduled, stored.body);
    const isOwn = this.claims.at(-1)?.state === 'held' && this.ends.get(sender ?? '')?.exit === 4;
    return isOwn ? `${sender} was told that it lost, and the claim is its own` : undefined;
  }

  /** What is wrong, with how it came to that. */
  async play(): Promise<string | undefined> {
    const { prepare, start, finish } = this.#scenario;
    await asActor('before', async () => prepare?.(this));
    this.#check();
    start(this);
    const problem = await this.scheduled.run(this.#work);
    if (problem === 'cut') return undefined;
    const wrong = problem ?? (await asActor('after', async () => finish?.(this))) ?? this.#check();
    return wrong === undefined ? undefined : `${wrong}\n${this.scheduled.trace.join('\n')}`;
  }

  #contextOver(plain: Bucket, actor: string, agent: string): CoordinationContext {
    const stamps = this.#stamps.get(actor) ?? unremembered();
    this.#stamps.set(actor, stamps);
    const none = { putIfAbsent: false, putIfMatch: false };
    return {
      bucket: {
        ...withRetry(plain, { clock: hasty, ...patientRetry }),
        ...(this.#scenario.isUnarbitrated === true ? { capabilities: none } : {}),
      },
      layout,
      agent,
      host: 'box',
      onUnrecorded: () => undefined,
      stamps,
      clock: this.clock(),
    };
  }

  #check(): string | undefined {
    const stored = this.scheduled.store.objects.get(claimKey);
    const body = String(stored?.body ?? '');
    if (stored !== undefined && body !== this.#lastBody) {
      this.#lastBody = body;
      const now = parseDocument(claimSchema, claimKey, stored.body);
      const before = this.claims.at(-1);
      const restMs = stored.modifiedAt.getTime() - this.#writtenMs;
      if (this.#scenario.isUnarbitrated !== true) this.#problem ??= broken(before, now, restMs);
      this.#writtenMs = stored.modifiedAt.getTime();
      this.claims.push(now);
    }
    return this.#problem ?? this.#scenario.check?.(this);
  }

  #nextWake(): (() => void) | undefined {
    const next = this.#clock.next();
    if (next === undefined) return undefined;
    return () => {
      this.scheduled.store.nowMs = Math.max(next, this.scheduled.store.nowMs);
      this.#clock.wake();
    };
  }

  #memory(): unknown {
    return [
      [...new Set(this.claims.map(({ nonce, renewals }) => `${nonce} ${renewals}`))].sort(),
      [...this.ends].sort(byName),
      [...this.#places].map(([name, files]) => [name, [...files].sort(byName)]),
      this.#files.contents(),
      [...this.running].sort(),
      this.worked,
      this.#clock.times(),
    ];
  }
}

/** What no write to a claim may ever do, whoever sends it and whenever it arrives. */
function broken(
  before: ClaimDocument | undefined,
  now: ClaimDocument,
  restMs: number,
): string | undefined {
  if (before === undefined) return undefined;
  if (now.epoch < before.epoch) return 'the epoch goes back';
  if (now.epoch === before.epoch && now.nonce !== before.nonce) return 'two nonces in one epoch';
  const isDoneTwice = before.state === 'done' && now.state === 'done';
  if (isDoneTwice && before.outcome?.note !== now.outcome?.note) {
    return 'what was handed over changed';
  }
  const isTaken = before.state === 'held' && now.state === 'held' && before.agent !== now.agent;
  return isTaken && restMs < ttlMs ? `taken over ${restMs} ms after a renewal` : undefined;
}

const alone = async (): Promise<void> => undefined;

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1;
}

function unremembered(): LastTimestamp {
  return { last: async () => undefined, remember: async () => undefined };
}

/** What loads on first use would make the first schedule differ from the next. */
export async function warmUp(): Promise<void> {
  await inParallel([0], async () => undefined);
}
