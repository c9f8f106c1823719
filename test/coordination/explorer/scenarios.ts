import type { Bucket } from '../../../src/bucket/bucket.js';
import { withRetry } from '../../../src/bucket/retry.js';
import { acquire, type ClaimResult } from '../../../src/coordination/claims/claims.js';
import { complete, type Report, release } from '../../../src/coordination/claims/finish-claim.js';
import type { HolderFiles } from '../../../src/coordination/claims/holder-files.js';
import { renewHeld } from '../../../src/coordination/claims/renew.js';
import { review } from '../../../src/coordination/claims/review.js';
import { readStep, settleAll } from '../../../src/coordination/claims/steps.js';
import type { CoordinationContext } from '../../../src/coordination/context.js';
import { setMemory } from '../../../src/coordination/memory/memory.js';
import { LostError, UnreachableError } from '../../../src/errors.js';
import { type ClaimDocument, claimSchema } from '../../../src/protocol/coordination.js';
import { parseDocument } from '../../../src/protocol/documents.js';
import { bucketLayout } from '../../../src/protocol/keys.js';
import { rememberedHere } from '../../support/agents-rig.js';
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
  /** Runs beside the others. */
  process(actor: string, work: () => Promise<Omit<End, 'exit'> | undefined>): void;
  readonly work: Promise<void>[];
}

interface Scenario {
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
    beside: alone,
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

export const scenarios: Readonly<Record<string, Scenario>> = {
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
      const holders = rememberedHere();
      zed = holders;
      world.process('a1', () => claim(world.context('a1', 'ann'), holders));
      world.process('a2', async () => {
        const context = world.context('a2', 'ann');
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
      world.process('older', async () => {
        const older = world.scheduled.client('older', { sturdy: true });
        const body = Buffer.from('{"status": "complete", "agent": "older"}');
        const write = (): Promise<unknown> => older.put(layout.status('s'), body).catch(write);
        await write();
        return {};
      });
    },
    finish: async (world) => {
      const bucket = world.scheduled.store.client();
      const view = await readStep({ ...world.context('late', 'late'), bucket }, 's');
      if (world.ends.get('older')?.exit !== 0) return undefined;
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
};

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
    problem ??= broken(before, now);
    const isTaken = before?.state === 'held' && now.state === 'held' && before.agent !== now.agent;
    const restMs = stored.modifiedAt.getTime() - lastWrittenMs;
    if (isTaken && restMs < ttlMs) problem ??= `taken over ${restMs} ms after a renewal`;
    lastWrittenMs = stored.modifiedAt.getTime();
    claims.push(now);
  };
  const scheduled = new ScheduledStore({
    choose: seeded(seed),
    budget: scenario.budget,
    tickMs: ttlMs / 2 + 600,
    check: look,
  });
  scheduled.store.nowMs = Date.parse('2026-01-02T03:04:05Z');
  const world = worldOf(scheduled, claims);
  await scenario.prepare?.(world);
  look();
  scenario.start(world);
  await scheduled.run(world.work);
  problem ??= scenario.check?.(world) ?? (await scenario.finish?.(world));
  return problem === undefined ? undefined : `${problem}\n${scheduled.trace.join('\n')}`;
}

function worldOf(scheduled: ScheduledStore, claims: ClaimDocument[]): World {
  const ends = new Map<string, End>();
  const work: Promise<void>[] = [];
  const clock = { now: () => 0, monotonic: () => 0, sleep: async () => undefined };
  const retry = (bucket: Bucket): Bucket =>
    withRetry(bucket, { clock, attempts: 4, baseMs: 1, maxMs: 1 });
  return {
    scheduled,
    ends,
    claims,
    work,
    context: (actor, agent, sturdy = false) => ({
      bucket: retry(scheduled.client(actor, { sturdy })),
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
            if (error instanceof LostError) ends.set(actor, { exit: 4 });
            else if (error instanceof UnreachableError) ends.set(actor, { exit: 8 });
            else throw error;
          },
        ),
      );
    },
  };
}
