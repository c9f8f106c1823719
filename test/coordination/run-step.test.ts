import { expect, it, vi } from 'vitest';
import { acquire } from '../../src/coordination/claims/claims.js';
import type { RunningCommand } from '../../src/coordination/run/command.js';
import { runStep } from '../../src/coordination/run/run-step.js';
import { AgentsRig } from '../support/agents-rig.js';
import { ManualClock } from '../support/manual-clock.js';

const ttlMs = 12_000;
const alone = async (): Promise<undefined> => undefined;

/** Ignores SIGTERM. */
class StubbornCommand implements RunningCommand {
  readonly signals: string[] = [];
  readonly ended: Promise<number>;
  end: (exit: number) => void = () => undefined;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  tail(): string {
    return '';
  }

  signal(name: NodeJS.Signals): void {
    this.signals.push(name);
    if (name === 'SIGKILL') this.end(137);
  }
}

/** A machine that holds step `s` and is about to run a command for it. */
async function held(interrupted: Promise<number>) {
  const rig = new AgentsRig();
  const clock = new ManualClock();
  const { context: plain, holders } = rig.terminal('ann', 's-1');
  const context = { ...plain, clock };
  const asked = { step: 's', ttlMs, reopen: false, alongside: alone };
  const won = await acquire(context, holders, asked);
  if (won.outcome !== 'claimed') throw new Error('not claimed');
  const command = new StubbornCommand();
  const started: RunningCommand[] = [];
  const run = () =>
    runStep(context, holders, {
      step: 's',
      won,
      ttlMs,
      start: () => {
        started.push(command);
        return command;
      },
      onFailure: 'block',
      isLock: false,
      report: async () => ({}),
      interrupted,
    });
  return { rig, clock, asked, command, started, run };
}

/** It runs the command, and then sleeps for three TTLs. */
async function asleep() {
  const machine = await held(new Promise(() => undefined));
  const { rig, clock, run } = machine;
  const result = run();
  // Its first pause has begun.
  await new Promise((resolve) => setImmediate(resolve));
  rig.advance(3 * ttlMs);
  return { ...machine, result, wake: () => clock.advance(3 * ttlMs) };
}

it('a run that slept past its TTL renews first, and goes on if nobody took the step', async () => {
  const { rig, command, result, wake } = await asleep();
  wake();
  await vi.waitFor(() => expect(rig.json('demo/steps/s/claim.json')?.renewals).toBe(1));
  command.end(0);
  expect(await result).toEqual({ exit: 0, endedBy: 'command', outcome: 'complete' });
  expect(command.signals).toEqual([]);
});

it('a run that slept until somebody took the step ends its command, by force if need be', async () => {
  const { rig, command, result, asked, wake, clock } = await asleep();
  const bob = rig.terminal('bob');
  expect(await acquire(bob.context, bob.holders, asked)).toMatchObject({ how: 'expired' });
  wake();
  await vi.waitFor(() => expect(command.signals).toEqual(['SIGTERM']));
  clock.advance(ttlMs / 6);
  expect(await result).toEqual({ exit: 4, endedBy: 'fenced', outcome: undefined });
  expect(command.signals).toEqual(['SIGTERM', 'SIGKILL']);
  expect(rig.json('demo/steps/s/claim.json')).toMatchObject({ agent: 'bob', state: 'held' });
});

it('a run that a signal ends before its command is started starts nothing, and gives the step back', async () => {
  const { rig, started, run } = await held(Promise.resolve(130));
  expect(await run()).toEqual({ exit: 130, endedBy: 'signal', outcome: 'released' });
  expect(started).toEqual([]);
  expect(rig.json('demo/steps/s/claim.json')).toMatchObject({ state: 'released' });
});
