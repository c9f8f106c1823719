import { createHash } from 'node:crypto';
import type { Bucket } from '../../../src/bucket/bucket.js';
import { withRetry } from '../../../src/bucket/retry.js';
import type { Clock } from '../../../src/clock.js';
import { resolvePin } from '../../../src/coordination/artifacts/pinned.js';
import { storeBody } from '../../../src/coordination/artifacts/store-artifact.js';
import { acquire, type ClaimResult } from '../../../src/coordination/claims/claims.js';
import { complete, type Report, release } from '../../../src/coordination/claims/finish-claim.js';
import {
  type HolderFiles,
  openHolderFiles,
} from '../../../src/coordination/claims/holder-files.js';
import { renewHeld } from '../../../src/coordination/claims/renew.js';
import { review } from '../../../src/coordination/claims/review.js';
import { readStep, settleAll } from '../../../src/coordination/claims/steps.js';
import type { CoordinationContext } from '../../../src/coordination/context.js';
import { setMemory } from '../../../src/coordination/memory/memory.js';
import { readBoard } from '../../../src/coordination/plan/board.js';
import { claimNext } from '../../../src/coordination/plan/claim-next.js';
import { addSteps, editStep } from '../../../src/coordination/plan/plan-document.js';
import type { RunningCommand } from '../../../src/coordination/run/command.js';
import { runStep } from '../../../src/coordination/run/run-step.js';
import {
  LostError,
  NotFoundError,
  TimedOutError,
  UnreachableError,
  UsageError,
} from '../../../src/errors.js';
import { type ClaimDocument, claimSchema } from '../../../src/protocol/coordination.js';
import { parseDocument } from '../../../src/protocol/documents.js';
import { bucketLayout } from '../../../src/protocol/keys.js';
import { rememberedHere } from '../../support/agents-rig.js';
import { MemoryFiles } from '../../support/memory-files.js';
import { ScheduledStore, seeded } from '../../support/scheduled-store.js';

const layout = bucketLayout('demo');
const claimKey = layout.claim('s');
const ttlMs = 10_000;

/** How a process of a scenario ended, as its exit code tells. */
export interface End {
  readonly exit: 0 | 4 | 8;
  /** A claim that was told as won. */
  readonly won?: { readonly epoch: number; readonly nonce: string } | undefined;
  readonly said?: string | undefined;
  readonly renewals?: number | undefined;
}

interface World {
  readonly scheduled: ScheduledStore;
  readonly ends: Map<string, End>;
  /** Every state that `claim.json` ever had. */
  readonly claims: ClaimDocument[];
  context(actor: string, agent: string, sturdy?: boolean): CoordinationContext;
  /** Runs alongside the others. */
  process(actor: string, work: () => Promise<Omit<End, 'exit'> | undefined>): void;
  readonly work: Promise<void>[];
  /** What somebody works at now, and what was worked at; for commands that must not run at once. */
  isUnarbitrated: boolean;
  readonly running: Set<string>;
  readonly worked: string[];
  violate(problem: string): void;
}

interface Scenario {
  /** Milliseconds of a tick; the clock of the processes goes with the store's. */
  readonly tickMs?: number;
  readonly isTimed?: boolean;
  readonly isUnarbitrated?: boolean;
  readonly budget: ConstructorParameters<typeof ScheduledStore>[0]['budget'];
  /** What was there before, written without any trouble. */
  prepare?(world: World): Promise<void>;
  start(world: World): void;
  /** After all of it: what the next ones who look do and find. */
  finish?(world: World): Promise<string | undefined>;
  check?(world: World): string | undefined;
}

const faults = { 'answer-lost': 1, 'request-lost': 1, late: 1, twice: 1, unavailable: 1 } as const;
const alone = async (): Promise<undefined> => undefined;

async function claim(
  context: CoordinationContext,
  holders: HolderFiles,
  { mine = false, reopen = false }: { readonly mine?: boolean; readonly reopen?: boolean } = {},
): Promise<Omit<End, 'exit'>> {
  const result: ClaimResult = await acquire(context, holders, {
    step: 's',
    ttlMs,
    reopen,
    mine,
    alongside: alone,
  });
  if (result.outcome === 'rejected') throw new LostError('rejected');
  const { epoch, nonce } = result.claim;
  return { won: { epoch, nonce } };
}

async function end(
  context: CoordinationContext,
  holders: HolderFiles,
  note: string,
  more: { readonly force?: boolean; readonly epoch?: number } & Partial<Report> = {},
): Promise<Omit<End, 'exit'>> {
  const { force, epoch, ...report } = more;
  await complete(
    context,
    holders,
    { step: 's', force, epoch },
    { outcome: 'complete', note, nextAgent: 'rev', ...report },
  );
  return { said: note };
}

/** A step that `zed` has claimed; what its place remembers of that. */
async function heldByZed(world: World): Promise<HolderFiles> {
  const holders = rememberedHere();
  const bucket = world.scheduled.store.client();
  await claim({ ...world.context('zed', 'zed'), bucket }, holders);
  return holders;
}

function exits0({ ends }: World): [string, End][] {
  return [...ends].filter(([, { exit }]) => exit === 0);
}

/** Exit 0 of a claim is told once per epoch, and only of a claim that was written. */
function winners(world: World): string | undefined {
  const told = exits0(world).flatMap(([actor, { won }]) =>
    won === undefined ? [] : [{ actor, won }],
  );
  for (const { actor, won } of told) {
    const others = told.filter((one) => one.won.epoch === won.epoch);
    if (others.length > 1) return `two were told that epoch ${won.epoch} is theirs`;
    const isWritten = world.claims.some(({ nonce }) => nonce === won.nonce);
    if (!isWritten) return `${actor} was told that it won, and its claim was never written`;
  }
  return undefined;
}

function handedOver({ claims }: World): string | null | undefined {
  return claims.at(-1)?.outcome?.note;
}

let zed: HolderFiles = rememberedHere();

const artifactKey = layout.artifact('s', 'patch');

function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

async function upload({ bucket }: CoordinationContext, text: string): Promise<undefined> {
  const replacing = { mayReplace: undefined, signal: undefined };
  await storeBody(bucket, artifactKey, Buffer.from(text), replacing);
  return undefined;
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  artifact: {
    budget: { ...faults, crash: 1 },
    prepare: async (world) => {
      zed = await heldByZed(world);
      await world.scheduled.store.client().put(artifactKey, Buffer.from('before'));
    },
    start: (world) => {
      for (const actor of ['yan', 'pat']) {
        world.process(actor, () => upload(world.context(actor, actor), `of ${actor}`));
      }
      world.process('zed', async () => {
        const context = world.context('zed', 'zed');
        await upload(context, 'of zed');
        const stored = await context.bucket.get(artifactKey);
        if (stored === undefined) return undefined;
        const { etag, size, body } = stored;
        const artifacts = [{ name: 's/patch', etag, size, sha256: sha256(body) }];
        return end(context, zed, 'handed over', { artifacts });
      });
    },
    finish: async (world) => {
      const bucket = world.scheduled.store.client();
      for (const pin of world.claims.at(-1)?.outcome?.artifacts ?? []) {
        const found = await resolvePin({ bucket, layout }, pin).catch(() => undefined);
        const stored = found === undefined ? undefined : await bucket.get(found.key);
        if (stored === undefined || sha256(stored.body) !== pin.sha256) {
          return 'what was handed over is not there any more';
        }
      }
      return undefined;
    },
  },
  fresh: {
    budget: { ...faults, crash: 1 },
    start: (world) => {
      for (const agent of ['ann', 'bob', 'cat']) {
        const holders = rememberedHere();
        world.process(agent, () => claim(world.context(agent, agent), holders));
      }
    },
    check: winners,
  },
  samename: {
    budget: { ...faults, crash: 1 },
    start: (world) => {
      const holders = rememberedHere();
      for (const actor of ['a1', 'a2', 'a3']) {
        const mine = actor === 'a3';
        world.process(actor, () => claim(world.context(actor, 'ann'), holders, { mine }));
      }
      world.scheduled.trace.push('one place');
    },
    check: winners,
  },
  samecycle: {
    budget: { twice: 1 },
    start: (world) => {
      const files = new MemoryFiles();
      const identity = { agent: 'ann', place: 's' };
      const holdersOf = (actor: string): HolderFiles =>
        openHolderFiles(
          new MemoryFiles(files, (what) => world.scheduled.pass(actor, what)),
          '/state',
          identity,
        );
      zed = openHolderFiles(files, '/state', identity);
      world.process('a1', () => claim(world.context('a1', 'ann'), holdersOf('a1')));
      world.process('a2', async () => {
        const context = world.context('a2', 'ann');
        const holders = holdersOf('a2');
        await release(context, holders, { step: 's' }).catch(() => undefined);
        return claim(context, holders);
      });
    },
    check: winners,
    finish: async (world) => {
      const now = world.claims.at(-1);
      if (now?.state !== 'held') return undefined;
      const files = await zed.of('s');
      const isHere = files.some(({ claim }) => claim.nonce === now.nonce);
      return isHere ? undefined : 'nobody here can complete it any more';
    },
  },
  mine: {
    budget: faults,
    prepare: async (world) => {
      zed = await heldByZed(world);
    },
    start: (world) => {
      world.process('z1', () => end(world.context('z1', 'zed'), zed, 'old', { epoch: 1 }));
      world.process('z2', () =>
        claim(world.context('z2', 'zed'), rememberedHere(), { mine: true }),
      );
    },
    check: (world) =>
      winners(world) ??
      (exits0(world).length > 1 && handedOver(world) !== 'old' ? 'completed and moved' : undefined),
  },
  takeover: {
    budget: { ...faults, tick: 3 },
    prepare: async (world) => {
      zed = await heldByZed(world);
    },
    start: (world) => {
      world.process('zed', async () => {
        const context = world.context('zed', 'zed');
        await renewHeld(context, zed, { isForced: true });
        return end(context, zed, 'zed');
      });
      for (const agent of ['ann', 'bob']) {
        world.process(agent, () => claim(world.context(agent, agent), rememberedHere()));
      }
    },
    check: (world) => {
      const told = exits0(world).map(([actor]) => actor);
      const isBoth = told.includes('zed') && told.length > 1;
      return winners(world) ?? (isBoth ? 'completed and taken over' : undefined);
    },
  },
  renewal: {
    budget: { ...faults, tick: 3 },
    prepare: async (world) => {
      zed = await heldByZed(world);
    },
    start: (world) => {
      world.process('zed', async () => {
        const lost = await renewHeld(world.context('zed', 'zed'), zed, { isForced: true });
        if (lost.length > 0) throw new LostError('fenced');
        const [file] = await zed.of('s');
        return { renewals: file?.claim.renewals ?? 0 };
      });
      world.process('ann', () => claim(world.context('ann', 'ann'), rememberedHere()));
    },
    check: (world) => {
      const told = world.ends.get('zed')?.renewals;
      const isWritten = world.claims.some(
        ({ renewals, epoch }) => epoch === 1 && renewals === told,
      );
      if (told !== undefined && (told === 0 || !isWritten)) return 'told as renewed, never written';
      return winners(world);
    },
  },
  handoff: {
    budget: { ...faults, crash: 1 },
    prepare: async (world) => {
      zed = await heldByZed(world);
    },
    start: (world) => {
      world.process('zed', () => end(world.context('zed', 'zed'), zed, 'zed'));
      world.process('rev', async () => {
        await settleAll(world.context('rev', 'rev'));
        return {};
      });
    },
    finish: async (world) => {
      const reader = { ...world.context('late', 'late'), bucket: world.scheduled.store.client() };
      const view = await readStep(reader, 's');
      if (view?.status !== 'complete') return undefined;
      const keys = [...world.scheduled.store.objects.keys()];
      const mail = keys.filter((key) => key.startsWith('demo/messages/rev/'));
      if (mail.length !== 1) return `the next agent has ${mail.length} messages of one handoff`;
      const types = keys
        .filter((key) => key.startsWith('demo/events/'))
        .map((key) => JSON.parse(String(world.scheduled.store.objects.get(key)?.body)).type);
      const endings = types.filter((type) => type === 'step.completed').length;
      if (endings !== 1) return `${endings} events of one completion`;
      const has = (key: string): boolean => world.scheduled.store.objects.has(key);
      return has(layout.handoff('s')) && has(layout.status('s'))
        ? undefined
        : 'something is missing';
    },
  },
  repeat: {
    budget: faults,
    prepare: async (world) => {
      zed = await heldByZed(world);
    },
    start: (world) => {
      world.process('z1', () => end(world.context('z1', 'zed'), zed, 'one'));
      world.process('z2', () => end(world.context('z2', 'zed'), zed, 'two'));
      world.process('f', () =>
        end(world.context('f', 'fay'), rememberedHere(), 'forced', { force: true }),
      );
    },
    check: (world) =>
      exits0(world).some(([, { said }]) => said !== handedOver(world))
        ? 'exit 0, and what was said is not what is handed over'
        : undefined,
  },
  unclaimed: {
    budget: { ...faults, crash: 1 },
    start: (world) => {
      for (const agent of ['ann', 'bob']) {
        world.process(agent, () => end(world.context(agent, agent), rememberedHere(), agent));
      }
      world.process('cat', () => claim(world.context('cat', 'cat'), rememberedHere()));
    },
    check: (world) => winners(world) ?? (exits0(world).length > 1 ? 'two were told 0' : undefined),
  },
  review: {
    budget: faults,
    prepare: async (world) => {
      const holders = await heldByZed(world);
      const context = { ...world.context('zed', 'zed'), bucket: world.scheduled.store.client() };
      await end(context, holders, 'look', { outcome: 'needs_review' });
    },
    start: (world) => {
      for (const [actor, verdict] of [
        ['ann', 'approved'],
        ['bob', 'rejected'],
      ] as const) {
        world.process(actor, async () => {
          await review(world.context(actor, actor), { step: 's', verdict, note: actor });
          return { said: actor };
        });
      }
      world.process('cat', () =>
        claim(world.context('cat', 'cat'), rememberedHere(), { reopen: true }),
      );
    },
    check: (world) => {
      const verdicts = exits0(world).filter(([, { said }]) => said !== undefined);
      return verdicts.length > 1 ? 'approved and rejected' : winners(world);
    },
  },
  interop: {
    budget: { ...faults, crash: 1 },
    start: (world) => {
      const holders = rememberedHere();
      world.process('ann', async () => {
        const context = world.context('ann', 'ann');
        await claim(context, holders);
        await renewHeld(context, holders, { isForced: true });
        return end(context, holders, 'ann');
      });
      const older = world.scheduled.client('older', { sturdy: true });
      const body = Buffer.from('{"status": "complete", "agent": "older"}');
      const write = (): Promise<unknown> => older.put(layout.status('s'), body).catch(write);
      const written = write();
      world.process('older', async () => {
        await written;
        return {};
      });
      world.process('reader', async () => {
        await written;
        const view = await readStep(world.context('reader', 'reader', true), 's');
        return { said: view?.status };
      });
    },
    finish: async (world) => {
      const bucket = world.scheduled.store.client();
      const view = await readStep({ ...world.context('late', 'late'), bucket }, 's');
      const told = world.ends.get('reader');
      if (told?.exit === 0 && told.said !== 'complete') return `a reader was told: ${told.said}`;
      return view?.status === 'complete'
        ? undefined
        : `the older tool completed it: ${view?.status}`;
    },
  },
  memory: {
    budget: faults,
    start: (world) => {
      for (const agent of ['ann', 'bob']) {
        world.process(agent, async () => {
          const change = await setMemory(world.context(agent, agent), 'k', agent, { ifVersion: 0 });
          if (!change.written) throw new LostError('lost');
          return { said: agent };
        });
      }
    },
    check: (world) => {
      if (exits0(world).length > 1) return 'two were told 0';
      const stored = world.scheduled.store.objects.get(layout.memory('k'));
      const setBy = stored === undefined ? undefined : JSON.parse(String(stored.body)).set_by;
      const robbed = [...world.ends].find(([agent, { exit }]) => exit === 4 && agent === setBy);
      return robbed === undefined ? undefined : 'told 4, though it is set';
    },
  },
  plan: {
    budget: faults,
    start: (world) => {
      for (const [actor, id, need] of [
        ['ann', 'x', 'y'],
        ['bob', 'y', 'x'],
      ] as const) {
        world.process(actor, async () => {
          const context = world.context(actor, actor);
          await addSteps(context, [{ id: need }]).catch(tolerateLost);
          await editOrAdd(context, id, need);
          return {};
        });
      }
    },
    finish: async (world) => {
      const stored = world.scheduled.store.objects.get(layout.plan());
      const steps = stored === undefined ? {} : JSON.parse(String(stored.body)).steps;
      const told = exits0(world).length;
      const kept = ['x', 'y'].filter((id) => (steps[id]?.needs ?? []).length > 0).length;
      if (kept > 1) return 'a cycle';
      return told > kept ? 'told as planned, and it is not' : undefined;
    },
  },
  next: {
    budget: { ...faults, crash: 0 },
    prepare: async (world) => {
      const bucket = world.scheduled.store.client();
      const news = [{ id: 'a' }, { id: 'b' }, { id: 'c', needs: ['a', 'b'] }];
      await addSteps({ ...world.context('lead', 'lead'), bucket }, news);
    },
    start: (world) => {
      for (const agent of ['ann', 'bob']) {
        world.process(agent, () => work(world, agent));
      }
    },
    finish: async (world) => {
      if ([...world.ends.values()].some(({ exit }) => exit !== 0)) return undefined;
      return world.worked.length === 3 ? undefined : `worked at: ${world.worked.join(', ')}`;
    },
  },
  run: {
    budget: { 'request-lost': 1, late: 1, 'answer-late': 2, outage: 2, tick: 8 },
    tickMs: 2_300,
    isTimed: true,
    start: (world) => {
      world.process('ann', () => runOnce(world, 'ann', 1, 25_000));
      world.process('bob', () => runOnce(world, 'bob', 30, 5_000));
    },
  },
  slowrun: {
    budget: { 'answer-late': 1, outage: 1, tick: 6 },
    tickMs: 2_300,
    isTimed: true,
    start: (world) => {
      world.process('ann', () => runOnce(world, 'ann', 1, 25_000));
      // Only the holder has trouble: whoever waits for the step gets it as early as it may.
      const plain = world.scheduled.store.client();
      world.process('bob', () => runOnce(world, 'bob', 40, 5_000, plain));
    },
  },
  besteffort: {
    budget: {},
    isTimed: true,
    isUnarbitrated: true,
    start: (world) => {
      for (const agent of ['ann', 'bob', 'cat']) {
        const holders = rememberedHere();
        world.process(agent, () => claim(world.context(agent, agent), holders));
      }
    },
    check: (world) => (exits0(world).length > 1 ? 'two were told 0' : undefined),
  },
};

function tolerateLost(error: unknown): void {
  if (!(error instanceof LostError)) throw error;
}

async function editOrAdd(context: CoordinationContext, id: string, need: string): Promise<void> {
  try {
    await addSteps(context, [{ id, needs: [need] }]);
  } catch (error) {
    if (!(error instanceof LostError)) throw error;
    await editStep(context, id, { needs: [need] });
  }
}

/** Takes what is ready until all is done. */
async function work(world: World, agent: string): Promise<Omit<End, 'exit'>> {
  const context = world.context(agent, agent);
  const holders = rememberedHere();
  for (let turn = 0; turn < 12; turn += 1) {
    try {
      const { step } = await claimNext(context, holders, {
        ttlMs: null,
        alongside: alone,
        onLook: alone,
      });
      if (world.worked.includes(step)) world.violate(`${step} was worked at twice`);
      world.worked.push(step);
      const board = await readBoard({ ...context, bucket: world.scheduled.store.client() });
      const planned = board.steps.find((one) => one.step === step);
      if ((planned?.unmet.length ?? 0) > 0) world.violate(`${step} began before what it needs`);
      await complete(context, holders, { step }, { outcome: 'complete' });
    } catch (error) {
      if (error instanceof NotFoundError) return {};
      if (!(error instanceof TimedOutError)) throw error;
    }
  }
  throw new LostError('never done');
}

/** `run` with a command that takes its time and does not mind SIGTERM. */
async function runOnce(
  world: World,
  agent: string,
  tries: number,
  takesMs: number,
  bucket?: Bucket,
): Promise<Omit<End, 'exit'>> {
  const own = world.context(agent, agent);
  const context = bucket === undefined ? own : { ...own, bucket };
  const holders = rememberedHere();
  for (let turn = 0; turn < tries; turn += 1) {
    const won = await acquire(context, holders, {
      step: 's',
      ttlMs,
      reopen: false,
      alongside: alone,
    });
    if (won.outcome === 'claimed') {
      const never = new Promise<number>(() => undefined);
      const start = (): RunningCommand => fakeCommand(world, agent, takesMs);
      const plan = { step: 's', won, ttlMs, start, onFailure: 'block', isLock: true } as const;
      const result = await runStep(context, holders, {
        ...plan,
        interrupted: never,
        report: async () => ({}),
      });
      world.scheduled.trace.push(`${agent} ended by ${result.endedBy}`);
      return {};
    }
    await context.clock.sleep(1_000);
  }
  throw new LostError('never free');
}

function fakeCommand(world: World, agent: string, takesMs: number): RunningCommand {
  world.running.add(agent);
  world.scheduled.trace.push(`${agent} runs`);
  if (world.running.size > 1) world.violate('two commands run at once');
  let resolve: (exit: number) => void = () => undefined;
  const ended = new Promise<number>((done) => {
    resolve = done;
  });
  const stop = (exit: number): void => {
    world.running.delete(agent);
    resolve(exit);
  };
  void world
    .context(agent, agent)
    .clock.sleep(takesMs)
    .then(() => stop(0));
  return {
    ended,
    tail: () => '',
    signal: (name) => {
      if (name === 'SIGKILL') stop(137);
    },
  };
}

/** Time that goes with the store's, and on when everybody sleeps. */
class SharedClock {
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  readonly now = (): number => this.#now();
  readonly monotonic = (): number => this.#now();

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = {
        untilMs: this.#now() + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  wake(): void {
    const due = [...this.#sleepers].filter(({ untilMs }) => untilMs <= this.#now());
    for (const { wake } of due.sort((left, right) => left.untilMs - right.untilMs)) wake();
  }

  next(): number | undefined {
    const times = [...this.#sleepers].map(({ untilMs }) => untilMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

/** What no write to a claim may ever do, whoever sends it and whenever it arrives. */
function broken(before: ClaimDocument | undefined, now: ClaimDocument): string | undefined {
  if (before === undefined) return undefined;
  if (now.epoch < before.epoch) return 'the epoch goes back';
  if (now.epoch === before.epoch && now.nonce !== before.nonce) return 'two nonces in one epoch';
  const isDoneTwice = before.state === 'done' && now.state === 'done';
  if (isDoneTwice && before.outcome?.note !== now.outcome?.note)
    return 'what was handed over changed';
  return undefined;
}

/** Runs one schedule; what was violated, with how it came to that. */
export async function play(name: string, seed: number): Promise<string | undefined> {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  let problem: string | undefined;
  const claims: ClaimDocument[] = [];
  let lastWrittenMs = 0;
  let lastBody = '';
  const look = (): void => {
    const stored = scheduled.store.objects.get(claimKey);
    const body = String(stored?.body ?? '');
    if (stored === undefined || body === lastBody) return;
    lastBody = body;
    const now = parseDocument(claimSchema, claimKey, stored.body);
    const before = claims.at(-1);
    if (scenario.isUnarbitrated !== true) problem ??= broken(before, now);
    const isTaken = before?.state === 'held' && now.state === 'held' && before.agent !== now.agent;
    const restMs = stored.modifiedAt.getTime() - lastWrittenMs;
    if (isTaken && restMs < ttlMs && scenario.isUnarbitrated !== true)
      problem ??= `taken over ${restMs} ms after a renewal`;
    lastWrittenMs = stored.modifiedAt.getTime();
    claims.push(now);
  };
  const scheduled = new ScheduledStore({
    choose: seeded(seed),
    budget: scenario.budget,
    tickMs: scenario.tickMs ?? ttlMs / 2 + 600,
    check: look,
    ...(scenario.isTimed ? { onTick: () => clock.wake(), onIdle: () => advance() } : {}),
  });
  const clock = new SharedClock(() => scheduled.store.nowMs);
  const advance = (): boolean => {
    const next = clock.next();
    if (next === undefined) return false;
    scheduled.store.nowMs = Math.max(next, scheduled.store.nowMs);
    clock.wake();
    return true;
  };
  scheduled.store.nowMs = Date.parse('2026-01-02T03:04:05Z');
  const world = worldOf(scheduled, claims, scenario.isTimed ? clock : hasty, (text) => {
    problem ??= text;
  });
  world.isUnarbitrated = scenario.isUnarbitrated === true;
  await scenario.prepare?.(world);
  look();
  scenario.start(world);
  await scheduled.run(world.work);
  problem ??= scenario.check?.(world) ?? (await scenario.finish?.(world));
  return problem === undefined ? undefined : `${problem}\n${scheduled.trace.join('\n')}`;
}

const hasty: Clock = { now: () => 0, monotonic: () => 0, sleep: async () => undefined };

function worldOf(
  scheduled: ScheduledStore,
  claims: ClaimDocument[],
  clock: Clock,
  violate: (problem: string) => void,
): World {
  const ends = new Map<string, End>();
  const work: Promise<void>[] = [];
  const retry = (bucket: Bucket): Bucket =>
    withRetry(bucket, { clock: hasty, attempts: 4, baseMs: 1, maxMs: 1 });
  const none = { putIfAbsent: false, putIfMatch: false };
  const world: World = {
    isUnarbitrated: false,
    running: new Set(),
    worked: [],
    violate,
    scheduled,
    ends,
    claims,
    work,
    context: (actor, agent, sturdy = false) => ({
      bucket: {
        ...retry(scheduled.client(actor, { sturdy })),
        ...(world.isUnarbitrated ? { capabilities: none } : {}),
      },
      layout,
      agent,
      host: 'box',
      onUnrecorded: () => undefined,
      clock,
    }),
    process: (actor, run) => {
      work.push(
        run().then(
          (end) => void ends.set(actor, { exit: 0, ...end }),
          (error: unknown) => {
            if (error instanceof LostError || error instanceof UsageError)
              ends.set(actor, { exit: 4 });
            else if (error instanceof UnreachableError) ends.set(actor, { exit: 8 });
            else throw error;
          },
        ),
      );
    },
  };
  return world;
}
