import { acquire } from '../../../src/coordination/claims/claims.js';
import { complete, type Report, release } from '../../../src/coordination/claims/finish-claim.js';
import type { HolderFiles } from '../../../src/coordination/claims/holder-files.js';
import { renewHeld } from '../../../src/coordination/claims/renew.js';
import type { CoordinationContext } from '../../../src/coordination/context.js';
import { LostError } from '../../../src/errors.js';
import { type Scenario, type Told, ttlMs, type World } from './world.js';

export const faults = {
  'answer-lost': 1,
  'request-lost': 1,
  late: 1,
  'answer-late': 1,
  twice: 1,
  unavailable: 1,
  outage: 1,
} as const;

export const alone = async (): Promise<undefined> => undefined;

export async function claim(
  context: CoordinationContext,
  holders: HolderFiles,
  { mine = false, reopen = false }: { readonly mine?: boolean; readonly reopen?: boolean } = {},
): Promise<Told> {
  const asked = { step: 's', ttlMs, reopen, mine, alongside: alone };
  const result = await acquire(context, holders, asked);
  if (result.outcome === 'rejected') throw new LostError('rejected');
  const { epoch, nonce } = result.claim;
  return { won: { epoch, nonce } };
}

export async function end(
  context: CoordinationContext,
  holders: HolderFiles,
  note: string,
  more: { readonly force?: boolean; readonly epoch?: number } & Partial<Report> = {},
): Promise<Told> {
  const { force, epoch, ...report } = more;
  const request = { step: 's', force, epoch };
  const said = { outcome: 'complete', note, nextAgent: 'rev', ...report } as const;
  await complete(context, holders, request, said);
  return { said: note };
}

export async function heldByZed(world: World): Promise<void> {
  await claim(world.calm('zed'), world.place('zed'));
}

/** Somebody in this place can still complete what it holds. */
async function isRemembered(world: World, holders: HolderFiles): Promise<string | undefined> {
  const now = world.claims.at(-1);
  if (now?.state !== 'held' || world.scheduled.dead.size > 0) return undefined;
  if (world.exits0().length === 0) return undefined;
  const files = await holders.of('s');
  const isHere = files.some((file) => file.claim.nonce === now.nonce);
  return isHere ? undefined : 'nobody here can complete it any more';
}

export const claimScenarios = {
  fresh: {
    budget: { ...faults, crash: 1 },
    start: (world) => {
      for (const agent of ['ann', 'bob', 'cat']) {
        world.process(agent, () => claim(world.context(agent), world.place(agent)));
      }
    },
    check: (world) => world.winners(),
  },
  samename: {
    budget: { ...faults, crash: 1 },
    start: (world) => {
      for (const actor of ['a1', 'a2', 'a3']) {
        const mine = actor === 'a3';
        const context = world.context(actor, 'ann');
        world.process(actor, () => claim(context, world.place('ann'), { mine }));
      }
    },
    check: (world) => world.winners(),
    finish: (world) => isRemembered(world, world.place('ann')),
  },
  samecycle: {
    budget: { twice: 1 },
    start: (world) => {
      const claimAs = (actor: string): Promise<Told> =>
        claim(world.context(actor, 'ann'), world.folder('ann', actor));
      world.process('a1', () => claimAs('a1'));
      world.process('a2', async () => {
        const holders = world.folder('ann', 'a2');
        await release(world.context('a2', 'ann'), holders, { step: 's' }).catch(() => undefined);
        return claimAs('a2');
      });
    },
    check: (world) => world.winners(),
    finish: (world) => isRemembered(world, world.folder('ann')),
  },
  mine: {
    budget: faults,
    prepare: heldByZed,
    start: (world) => {
      world.process('z1', () =>
        end(world.context('z1', 'zed'), world.place('zed'), 'old', { epoch: 1 }),
      );
      world.process('z2', () =>
        claim(world.context('z2', 'zed'), world.place('elsewhere'), { mine: true }),
      );
    },
    check: (world) => {
      const isBoth = world.exits0().length > 1;
      const isOld = world.claims.at(-1)?.outcome?.note === 'old';
      return world.winners() ?? (isBoth && !isOld ? 'completed and moved' : undefined);
    },
  },
  takeover: {
    budget: { ...faults, tick: 3 },
    prepare: heldByZed,
    start: (world) => {
      world.process('zed', async () => {
        const context = world.context('zed');
        await renewHeld(context, world.place('zed'), { isForced: true });
        return end(context, world.place('zed'), 'zed');
      });
      for (const agent of ['ann', 'bob']) {
        world.process(agent, () => claim(world.context(agent), world.place(agent)));
      }
    },
    check: (world) => {
      const told = world.exits0().map(([actor]) => actor);
      const isBoth = told.includes('zed') && told.length > 1;
      return world.winners() ?? (isBoth ? 'completed and taken over' : undefined);
    },
  },
  renewal: {
    budget: { ...faults, tick: 3 },
    prepare: heldByZed,
    start: (world) => {
      world.process('zed', async () => {
        const holders = world.place('zed');
        const lost = await renewHeld(world.context('zed'), holders, { isForced: true });
        if (lost.length > 0) throw new LostError('fenced');
        const [file] = await holders.of('s');
        return { renewals: file?.claim.renewals ?? 0 };
      });
      world.process('ann', () => claim(world.context('ann'), world.place('ann')));
    },
    check: (world) => {
      const told = world.ends.get('zed')?.renewals;
      const isWritten = world.claims.some(
        ({ renewals, epoch }) => epoch === 1 && renewals === told,
      );
      const isWrong = told !== undefined && (told === 0 || !isWritten);
      return isWrong ? 'told as renewed, never written' : world.winners();
    },
  },
} satisfies Record<string, Scenario>;
