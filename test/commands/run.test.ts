import { execFile } from 'node:child_process';
import { readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type CliResult, type CliWorld, collect, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;

beforeAll(async () => {
  world = await createCliWorld();
  const { code, stderr } = await world.run(['init', '--project', 'run', '--agent', 'ann']);
  expect(code, stderr).toBe(0);
}, 60_000);

afterAll(() => world.remove());

const as = (agent: string) => ({ env: { TRACECRAFT_AGENT: agent } });

function run(agent: string, ...args: readonly string[]): Promise<CliResult> {
  return world.run(args, as(agent));
}

async function data(...args: readonly string[]) {
  return Object((await world.runJson(args, as('ann'))).json).data;
}

/** The store's time of the claim decides; waiting for the TTL would add only luck. */
async function expire(step: string): Promise<void> {
  const claim = join(world.stateFolder, 'bucket', 'run', 'steps', step, 'claim.json');
  const past = new Date(Date.now() - 10 * 60_000);
  await utimes(claim, past, past);
}

/** A program for Node, as the words of a command. */
const node = (script: string): readonly string[] => [process.execPath, '-e', script];

/** `tracecraft` on the path, and a `work.sh` that notes its step in the file that is returned. */
async function installWorker({ root, project }: CliWorld): Promise<string> {
  const done = join(root, 'done');
  const cli = join(process.cwd(), 'bin', 'run.cjs');
  const scripts = [
    [join(project, 'work.sh'), `echo "$TRACECRAFT_STEP" >> ${done}`],
    [join(root, 'tracecraft'), `exec ${process.execPath} ${cli} "$@"`],
  ] as const;
  for (const [path, line] of scripts) {
    await writeFile(path, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  }
  return done;
}

function shell({ root, project, home }: CliWorld, agent: string, script: string) {
  const env = { PATH: `${root}:${process.env.PATH}`, HOME: home, TRACECRAFT_AGENT: agent };
  return promisify(execFile)('sh', ['-c', script], { cwd: project, env });
}

function printedPid(output: Readable | null): Promise<number> {
  return new Promise((resolve) =>
    output?.on('data', (chunk) => {
      const [, found] = /pid (\d+)/.exec(String(chunk)) ?? [];
      if (found !== undefined) resolve(Number(found));
    }),
  );
}

async function stateOf(pid: number): Promise<string> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]);
  return stdout.trim().slice(0, 1);
}

async function untilStopped(pid: number): Promise<void> {
  while ((await stateOf(pid)) !== 'T') await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('run', () => {
  it('completes the step if the command succeeds, which finds its step in the environment', async () => {
    const script = 'console.log(process.env.TRACECRAFT_STEP, process.env.TRACECRAFT_EPOCH)';
    const result = await run('ann', 'run', 'build', '--to', 'rev', '--', ...node(script));
    expect(result).toMatchObject({ code: 0, stdout: 'build 1\n' });
    expect(await data('handoff', 'build')).toMatchObject({ state: 'complete', next_agent: 'rev' });
  });

  it('blocks it if the command fails, with the end of its output, secrets redacted', async () => {
    const secret = ['ghp_', 'R8dLq2Vx', 'N5tYw9Zk', 'B3mPc7Hs', 'J6fGa4Ue', 'T1oX'].join('');
    const script = `console.error('\\x1b[31mtoken ${secret}\\x1b[0m'); process.exit(3)`;
    const { code, stderr } = await run('ann', 'run', 'test', '--', ...node(script));
    expect(code).toBe(3);
    expect(stderr).toContain('Step test is blocked (exit 3).');
    const { note, state } = await data('handoff', 'test');
    expect(state).toBe('blocked');
    expect(note).toMatch(/^exit 3 after \d+s\ntoken \[REDACTED/);
    expect(note).not.toContain(secret);
    expect(note).not.toContain('\u001b');
    const shown = [
      await run('ann', 'steps'),
      await run('ann', 'log'),
      await run('ann', 'claim', 'test'),
    ];
    for (const { stdout, stderr } of shown) {
      expect(stdout + stderr).toMatch(/exit 3 after \d+s · token \[REDACTED/);
    }
    const { stdout } = await run('ann', 'handoff', 'test');
    expect(stdout).toMatch(/^note: {8}exit 3 after \d+s\n {13}token \[REDACTED/m);
  });

  it('blocks it if the command left out an artifact', async () => {
    const args = ['run', 'poor', '--artifact', 'patch.diff', '--', ...node('')];
    expect((await run('ann', ...args)).code).toBe(3);
    const { state, note } = await data('handoff', 'poor');
    expect(state).toBe('blocked');
    expect(note).toMatch(/^exit 0 after \d+s, but no artifact patch\.diff/);
  });

  it('with --no-tail keeps the output to itself, also with --json', async () => {
    const script = "console.log('between us'); process.exit(3)";
    const told = await run('ann', 'run', 'quiet', '--no-tail', '--json', '--', ...node(script));
    expect(told).toMatchObject({ code: 3, stderr: expect.stringContaining('between us') });
    expect((await data('handoff', 'quiet')).note).toMatch(/^exit 3 after \d+s$/);
  });

  it('gives the step back if the command cannot be started, but not if it exits with 127', async () => {
    const { code, stderr } = await run('ann', 'run', 'gone', '--', join(process.execPath, 'x'));
    expect(stderr).toContain('Warning: the command could not be started: spawn');
    expect(code).toBe(127);
    expect(await data('step-status', 'gone')).toMatchObject({ status: 'pending' });
    expect((await run('ann', 'run', 'hole', '--', ...node('process.exit(127)'))).code).toBe(127);
    expect(await data('step-status', 'hole')).toMatchObject({ status: 'blocked' });
  });

  it('holds the step to the end even if nobody reads the output any more', async () => {
    const flag = join(world.root, 'reader-left');
    const end =
      "process.stdout.on('error', () => {}); console.log('more'); setTimeout(() => {}, 300)";
    const poll = `const t = setInterval(() => { if (!fs.existsSync(${JSON.stringify(flag)})) return; clearInterval(t); ${end} }, 20)`;
    const script = `const fs = require('fs'); console.log('up'); ${poll}`;
    const child = world.start(['run', 'unread', '--', ...node(script)], as('ann'));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.stdout?.destroy();
    await writeFile(flag, '');
    expect(await ended).toBe(0);
    expect(await data('step-status', 'unread')).toMatchObject({ status: 'complete' });
  });

  it('does not wait for what the command leaves running', async () => {
    const left =
      "spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'inherit' })";
    const script = `const { spawn } = require('child_process'); const c = ${left}; c.unref(); console.log(c.pid)`;
    const { code, stdout } = await run('ann', 'run', 'daemon', '--', ...node(script));
    expect(code).toBe(0);
    // Throws if it is gone.
    process.kill(Number(stdout), 'SIGKILL');
  });

  it('releases a lock whatever happens, and is refused while another agent holds it', async () => {
    expect(
      (await run('ann', 'run', 'lock', '--release', '--', ...node('process.exit(7)'))).code,
    ).toBe(7);
    await run('bob', 'claim', 'lock');
    const refused = await run('ann', 'run', 'lock', '--release', '--', ...node(''));
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toContain('Step lock already claimed by bob');
  });

  it('leaves a step alone if the command has ended it', async () => {
    const cli = JSON.stringify([
      join(process.cwd(), 'bin', 'run.cjs'),
      'complete',
      'own',
      '--note',
      'by hand',
    ]);
    const script = `require('child_process').execFileSync(process.execPath, ${cli})`;
    const { code, stderr } = await run('ann', 'run', 'own', '--', ...node(script));
    expect(code, stderr).toBe(0);
    expect(await data('handoff', 'own')).toMatchObject({ note: 'by hand' });
  });

  it('passes a signal on, and releases the step', async () => {
    const script =
      "process.on('SIGTERM', () => process.exit(0)); console.log('up'); setInterval(() => {}, 1000)";
    const child = world.start(['run', 'long', '--', ...node(script)], as('ann'));
    const result = collect(child);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.kill('SIGTERM');
    expect(await result).toMatchObject({ code: 143 });
    expect(await data('step-status', 'long')).toMatchObject({ status: 'pending' });
  });

  it('ends a command that ignores TERM and forks, once its step was taken over', async () => {
    const beats = join(world.root, 'beats');
    await writeFile(beats, '');
    const fork = `setInterval(() => require('fs').appendFileSync(${JSON.stringify(beats)}, '.'), 50); process.on('SIGTERM', () => {})`;
    const script = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(fork)}], { stdio: 'inherit' }); process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)`;
    const child = world.start(
      ['run', 'taken', '--ttl', '6s', '--json', '--', ...node(script)],
      as('ann'),
    );
    const result = collect(child);
    await new Promise((resolve) =>
      child.stderr?.on('data', (chunk) => String(chunk).includes('up') && resolve(undefined)),
    );
    expect((await run('bob', 'complete', 'taken', '--force')).code).toBe(0);
    const { code, stdout } = await result;
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ data: { ended_by: 'fenced', exit: 4 } });
    const before = (await readFile(beats)).length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await readFile(beats)).length).toBe(before);
    expect(before).toBeGreaterThan(0);
  }, 60_000);

  it('suspended until another agent took its step, it ends the command when it wakes', async () => {
    const script = "console.log('pid', process.pid); setInterval(() => {}, 1000)";
    const child = world.start(
      ['run', 'asleep', '--ttl', '6s', '--json', '--', ...node(script)],
      as('ann'),
    );
    const result = collect(child);
    const pid = await printedPid(child.stderr);
    child.kill('SIGSTOP');
    process.kill(-pid, 'SIGSTOP');
    await expire('asleep');
    expect((await run('bob', 'claim', 'asleep')).code).toBe(0);
    process.kill(-pid, 'SIGCONT');
    child.kill('SIGCONT');
    const { code, stdout } = await result;
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ data: { ended_by: 'fenced', exit: 4 } });
    expect(() => process.kill(-pid, 0)).toThrow('ESRCH');
  }, 60_000);

  it('stops with its command at Ctrl-Z, and both go on together', async () => {
    const go = join(world.root, 'go');
    const script = `console.log('pid', process.pid);
      setInterval(() => require('node:fs').existsSync(${JSON.stringify(go)}) && process.exit(), 20)`;
    const child = world.start(['run', 'paused', '--', ...node(script)], as('ann'));
    const result = collect(child);
    const pid = await printedPid(child.stdout);
    child.kill('SIGTSTP');
    await untilStopped(child.pid ?? 0);
    await untilStopped(pid);
    await writeFile(go, '');
    child.kill('SIGCONT');
    expect(await result).toMatchObject({ code: 0 });
  }, 60_000);

  it('when killed itself frees the step after its TTL, and the orphan cannot complete it', async () => {
    const script = "console.log('pid', process.pid); setInterval(() => {}, 1000)";
    const child = world.start(['run', 'orphan', '--', ...node(script)], as('ann'));
    const pid = await printedPid(child.stdout);
    onTestFinished(() => void process.kill(-pid, 'SIGKILL'));
    child.kill('SIGKILL');
    await expire('orphan');
    expect((await run('bob', 'claim', 'orphan')).code).toBe(0);
    const late = await world.run(['complete', 'orphan'], {
      env: { TRACECRAFT_AGENT: 'ann', TRACECRAFT_STEP: 'orphan', TRACECRAFT_EPOCH: '1' },
    });
    expect(late.stderr).toContain('fenced: step orphan was taken over by bob (epoch 2)');
    expect(late.code).toBe(4);
  }, 90_000);

  it('needs a step and a command', async () => {
    for (const args of [
      ['run'],
      ['run', 'x'],
      ['run', '--next'],
      ['run', 'x', '--', ''],
      ['run', 'x', '--ttl', 'none', '--', 'true'],
      ['run', 'x', '--note', 'n'.repeat(100_001), '--', 'true'],
    ]) {
      expect({ args, code: (await run('ann', ...args)).code }).toEqual({ args, code: 2 });
    }
  });
});

describe('a plan in use', () => {
  it('is planned, shown, completed by the loop that the skill teaches, and then done', async () => {
    expect((await run('ann', 'steps', '--graph')).stderr).toContain('No step is planned yet');
    await run('ann', 'step', 'add', 'w-a', 'w-b', '--priority', '1');
    await run('ann', 'step', 'add', 'w-c', '--needs', 'w-a,w-b', '--title', 'both');
    const early = await run('ann', 'claim', 'w-c');
    expect(early.stderr).toContain('step w-c waits for w-a (not begun), w-b (not begun)');
    expect(early.code).toBe(5);
    expect((await run('ann', 'ready')).stdout).toMatch(/^w-a +priority 1 +-\s*\nw-b /);
    const graph = await run('ann', 'steps', '--graph');
    expect(graph.stdout).toMatch(
      /└ w-c +waits +- +needs w-a \(not begun\), w-b \(not begun\) +both/,
    );
    expect((await run('ann', 'steps', '--mermaid')).stdout).toContain('s0 --> s2');
    const done = await installWorker(world);
    const skill = await readFile(join(process.cwd(), 'skills', 'tracecraft', 'SKILL.md'), 'utf8');
    const loop = /^while tracecraft run --next --wait .*$/m.exec(skill)?.[0] ?? '';
    expect(loop).toBe('while tracecraft run --next --wait -- ./work.sh; do :; done');
    await Promise.all(['w1', 'w2'].map((agent) => shell(world, agent, loop)));
    const worked = (await readFile(done, 'utf8')).trim().split('\n');
    expect([...worked].sort()).toEqual(['w-a', 'w-b', 'w-c']);
    expect(worked.at(-1)).toBe('w-c');
    expect((await run('w1', 'claim', '--next')).code).toBe(3);
  }, 120_000);

  it('is worked off as the README says, word for word', async () => {
    const other = await createCliWorld();
    try {
      await other.run(['init', '--project', 'readme']);
      const done = await installWorker(other);
      const readme = await readFile(join(process.cwd(), 'README.md'), 'utf8');
      const block = readme.split('```').find((text) => text.includes('while tracecraft')) ?? '';
      const { stdout } = await shell(other, 'alex', block.replace(/^sh\n/, ''));
      expect(await readFile(done, 'utf8')).toBe('design\nbuild\n');
      expect(stdout).toMatch(/design +complete[\s\S]*└ build +complete/);
    } finally {
      await other.remove();
    }
  }, 60_000);

  it('takes nothing that is piped to a command for a step', async () => {
    const plan = JSON.stringify([{ id: 'piped' }]);
    const added = await world.run(['step', 'add', '--from', '-'], { ...as('ann'), input: plan });
    expect(added).toMatchObject({ code: 0, stdout: 'Planned piped\n' });
    const next = ['claim', '--next', '-q'];
    const claimed = await world.run(next, { ...as('ann'), input: 'the next line of a loop\n' });
    expect(claimed).toMatchObject({ code: 0, stdout: 'piped\n' });
  });

  it('-q prints only the name', async () => {
    await run('ann', 'step', 'add', 'solo');
    expect(await run('ann', 'claim', '--next', '-q')).toMatchObject({ code: 0, stdout: 'solo\n' });
    expect((await run('bob', 'claim', '--next')).code).toBe(6);
  });
});
