import type { Bucket } from '../../../src/bucket/bucket.js';
import { acquire } from '../../../src/coordination/claims/claims.js';
import { complete } from '../../../src/coordination/claims/finish-claim.js';
import { readNewMail } from '../../../src/coordination/mail/inbox.js';
import { sendMail } from '../../../src/coordination/mail/mailbox.js';
import { setMemory } from '../../../src/coordination/memory/memory.js';
import { readBoard } from '../../../src/coordination/plan/board.js';
import { claimNext } from '../../../src/coordination/plan/claim-next.js';
import { addSteps, editStep } from '../../../src/coordination/plan/plan-document.js';
import type { RunningCommand } from '../../../src/coordination/run/command.js';
import { runStep } from '../../../src/coordination/run/run-step.js';
import { LostError, NotFoundError, TimedOutError } from '../../../src/errors.js';
import { alone, claim, faults } from './claim-scenarios.js';
import { layout, type Scenario, type Told, ttlMs, type World } from './world.js';

export const teamScenarios = {
  memory: {
    budget: faults,
    start: (world) => {
      for (const agent of ['ann', 'bob']) {
        world.process(agent, async () => {
          const change = await setMemory(world.context(agent), 'k', agent, { ifVersion: 0 });
          if (!change.written) throw new LostError('lost');
          return { said: agent };
        });
      }
    },
    check: (world) => {
      if (world.exits0().length > 1) return 'two were told 0';
      const setBy = world.json(layout.memory('k'))?.set_by;
      const isRobbed = [...world.ends].some(([agent, { exit }]) => exit === 4 && agent === setBy);
      return isRobbed ? 'told 4, though it is set' : undefined;
    },
  },
  plan: {
    budget: faults,
    start: (world) => {
      world.process('ann', () => planCycle(world, 'ann', 'x', 'y'));
      world.process('bob', () => planCycle(world, 'bob', 'y', 'x'));
    },
    finish: async (world) => {
      const { steps } = await readBoard(world.calm('late'));
      const stored: object = Object(world.json(layout.plan())?.steps);
      const kept = Object.values(stored).filter(({ needs }) => needs.length > 0).length;
      if (kept > 1) return 'a cycle';
      const told = world.exits0().length;
      return told > kept || steps.length < told ? 'told as planned, and it is not' : undefined;
    },
  },
  next: {
    budget: faults,
    prepare: async (world) => {
      await addSteps(world.calm('lead'), [
        { id: 'a' },
        { id: 'b' },
        { id: 'c', needs: ['a', 'b'] },
      ]);
    },
    start: (world) => {
      for (const agent of ['ann', 'bob']) world.process(agent, () => work(world, agent));
    },
    finish: async (world) => {
      if ([...world.ends.values()].some(({ exit }) => exit !== 0)) return undefined;
      return world.worked.length === 3 ? undefined : `worked at: ${world.worked.join(', ')}`;
    },
  },
  run: {
    budget: { 'request-lost': 1, late: 1, 'answer-late': 2, blackout: 2, tick: 8 },
    tickMs: 2_300,
    isTimed: true,
    start: (world) => {
      world.process('ann', () => runOnce(world, 'ann', 1, 25_000));
      world.process('bob', () => runOnce(world, 'bob', 30, 5_000));
    },
  },
  slowrun: {
    budget: { 'answer-late': 1, blackout: 1, tick: 6 },
    tickMs: 2_300,
    isTimed: true,
    start: (world) => {
      world.process('ann', () => runOnce(world, 'ann', 1, 25_000));
      // Only the holder has trouble: whoever waits for the step gets it as early as it may.
      world.process('bob', () => runOnce(world, 'bob', 40, 5_000, world.calm('bob').bucket));
    },
  },
  inbox: {
    budget: { ...faults, crash: 1, tick: 2 },
    // A message may take ten minutes to land.
    tickMs: 400_000,
    start: (world) => {
      world.process('ann', async () => {
        await sendMail(world.context('ann'), { to: 'rev', message: 'one' });
        return { said: 'one' };
      });
      for (const actor of ['r1', 'r2']) {
        world.process(actor, async () => {
          const inbox = await readNewMail(world.context(actor, 'rev'));
          for (const { message } of inbox.mail) world.worked.push(message);
          await inbox.remember();
          return {};
        });
      }
    },
    finish: async (world) => {
      const last = await readNewMail(world.calm('rev'));
      const shown = [...world.worked, ...last.mail.map(({ message }) => message)];
      const isSent = world.exits0().some(([, { said }]) => said === 'one');
      return isSent && !shown.includes('one') ? 'a message that nobody was shown' : undefined;
    },
  },
  besteffort: {
    budget: {},
    isTimed: true,
    isUnarbitrated: true,
    start: (world) => {
      for (const agent of ['ann', 'bob', 'cat']) {
        world.process(agent, () => claim(world.context(agent), world.place(agent)));
      }
    },
    check: (world) => (world.exits0().length > 1 ? 'two were told 0' : undefined),
  },
} satisfies Record<string, Scenario>;

async function planCycle(world: World, agent: string, id: string, need: string): Promise<Told> {
  const context = world.context(agent);
  await addSteps(context, [{ id: need }]).catch(tolerateLost);
  try {
    await addSteps(context, [{ id, needs: [need] }]);
  } catch (error) {
    tolerateLost(error);
    await editStep(context, id, { needs: [need] });
  }
  return {};
}

function tolerateLost(error: unknown): void {
  if (!(error instanceof LostError)) throw error;
}

/** Takes what is ready until all is done. */
async function work(world: World, agent: string): Promise<Told> {
  const context = world.context(agent);
  const holders = world.place(agent);
  for (let turn = 0; turn < 12; turn += 1) {
    try {
      const asked = { ttlMs: null, alongside: alone, onLook: alone };
      const { step } = await claimNext(context, holders, asked);
      if (world.worked.includes(step)) world.violate(`${step} was worked at twice`);
      world.worked.push(step);
      const board = await readBoard(world.calm('onlooker'));
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
): Promise<Told> {
  const own = world.context(agent);
  const context = bucket === undefined ? own : { ...own, bucket };
  const holders = world.place(agent);
  for (let turn = 0; turn < tries; turn += 1) {
    const asked = { step: 's', ttlMs, reopen: false, alongside: alone };
    const won = await acquire(context, holders, asked);
    if (won.outcome === 'claimed') {
      const never = new Promise<number>(() => undefined);
      const start = (): RunningCommand => fakeCommand(world, agent, takesMs);
      const plan = { step: 's', won, ttlMs, start, onFailure: 'block', isLock: true } as const;
      const report = async () => ({});
      const result = await runStep(context, holders, { ...plan, interrupted: never, report });
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
    .clock()
    .sleep(takesMs)
    .then(() => stop(0));
  return {
    ended,
    tail: () => '',
    signal: (name) => {
      if (name === 'SIGKILL') stop(137);
    },
  };
}
