import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, type CliWorld, collect } from '../support/run-cli.js';
import { seeded } from '../support/schedule/drivers.js';
import { type Stage, stages } from '../support/stage.js';

/** All counts with TRACECRAFT_RACES=full; a few otherwise. */
const isFull = process.env.TRACECRAFT_RACES === 'full';
const planned = isFull ? { workers: 32, steps: 200 } : { workers: 3, steps: 6 };
/** With many processes at once each is slower to renew: the TTL must outlast the slowest. */
const killed = isFull
  ? { workers: 8, steps: 60, kills: 40, ttl: '20s' }
  : { workers: 2, steps: 3, kills: 1, ttl: '3s' };

describe.each(stages)('workers on $name', ({ open }) => {
  let stage: Stage;
  let world: CliWorld;

  beforeAll(async () => {
    stage = await open();
    world = await stage.machine();
  }, 60_000);

  afterAll(() => stage.close());

  const as = (agent: string) => ({ env: { TRACECRAFT_AGENT: agent } });

  function run(agent: string, ...args: readonly string[]): Promise<CliResult> {
    return world.run(args, as(agent));
  }

  /** Each needs up to two of the ten before it. */
  async function plan(prefix: string, count: number): Promise<ReadonlyMap<string, string[]>> {
    const choose = seeded(count);
    const needs = new Map<string, string[]>();
    for (let n = 0; n < count; n += 1) {
      const before = [...needs.keys()].slice(-10);
      const some = before.filter(() => choose(4) === 0).slice(0, 2);
      needs.set(`${prefix}${n}`, some);
    }
    const steps = [...needs].map(([id, some]) => ({ id, needs: some }));
    const input = JSON.stringify(steps);
    const added = await world.run(['step', 'add', '--from', '-'], { ...as('lead'), input });
    expect(added.code, added.stderr).toBe(0);
    return needs;
  }

  /** Once per step, and after what it needs. */
  function expectOrder(ends: readonly string[], needs: ReadonlyMap<string, string[]>): void {
    expect([...ends].sort()).toEqual([...needs.keys()].sort());
    for (const [step, some] of needs) {
      for (const need of some) expect(ends.indexOf(need)).toBeLessThan(ends.indexOf(step));
    }
  }

  async function completions(): Promise<readonly string[]> {
    const { json } = await world.runJson(['log'], as('lead'));
    const events: readonly { readonly type: string; readonly step: string }[] =
      Object(json).data.events;
    return events.filter(({ type }) => type === 'step.completed').map(({ step }) => step);
  }

  it(`${planned.workers} workers with claim --next take ${planned.steps} steps: each once, after its needs`, async () => {
    const needs = await plan('n', planned.steps);
    const taken: string[] = [];
    const work = async (agent: string): Promise<void> => {
      for (;;) {
        const next = ['claim', '--next', '--wait', '--timeout', '30m', '-q'];
        const { code, stdout, stderr } = await run(agent, ...next);
        if (code === 3) return;
        expect(code, stderr).toBe(0);
        const step = stdout.trim();
        taken.push(step);
        const done = await run(agent, 'complete', step);
        expect(done.code, done.stderr).toBe(0);
      }
    };
    await Promise.all(Array.from({ length: planned.workers }, (_, n) => work(`worker-${n}`)));
    expectOrder(taken, needs);
    expect([...(await completions())].sort()).toEqual([...needs.keys()].sort());
  }, 7_200_000);

  it(`${killed.workers} workers with run --next, killed ${killed.kills} times, finish ${killed.steps} steps: never two at one`, async () => {
    const needs = await plan('k', killed.steps);
    const folder = join(world.root, 'running');
    await mkdir(folder);
    const log = join(world.root, 'log');
    await writeFile(log, '');
    const command = ['--', process.execPath, '-e', exclusive, folder, log];
    const choose = seeded(killed.kills);
    let kills = 0;
    const work = async (agent: string): Promise<void> => {
      for (;;) {
        const child = world.start(
          ['run', '--next', '--wait', '--ttl', killed.ttl, ...command],
          as(agent),
        );
        const ended = collect(child);
        if (kills < killed.kills) {
          kills += 1;
          const atMs = choose(700);
          const timer = setTimeout(() => child.kill('SIGKILL'), atMs);
          void ended.then(() => clearTimeout(timer));
        }
        const { code, stderr } = await ended;
        if (code === 3) return;
        // Killed; lost after a pause that was longer than the TTL; or held up for so long that the command was not begun.
        expect([0, null, 4, 8], stderr).toContain(code);
      }
    };
    await Promise.all(Array.from({ length: killed.workers }, (_, n) => work(`runner-${n}`)));
    const lines = (await readFile(log, 'utf8')).trim().split('\n');
    expect(lines.filter((line) => line.startsWith('two at '))).toEqual([]);
    const firsts = [...new Set(lines)];
    expectOrder(firsts, needs);
    const ends = (await completions()).filter((step) => needs.has(step));
    expect([...ends].sort()).toEqual([...needs.keys()].sort());
  }, 7_200_000);
});

/** Says so if the same step is worked at meanwhile; what a killed process started ends long before the TTL. */
const exclusive = `
const { appendFileSync, mkdirSync, rmdirSync } = require('node:fs');
const [folder, log] = process.argv.slice(1);
const step = process.env.TRACECRAFT_STEP;
const mine = folder + '/' + step;
try {
  mkdirSync(mine);
} catch {
  appendFileSync(log, 'two at ' + step + '\\n');
}
setTimeout(() => {
  appendFileSync(log, step + '\\n');
  rmdirSync(mine);
}, 20);
`;
