import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { memoryHistory } from '../../src/coordination/memory/history.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { type S3Server, startR2 } from '../support/r2.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';
import { seeded } from '../support/schedule/drivers.js';

/**
 * The older tool is a Python package, tracecraft-ai: installed, or the sources that TRACECRAFT_PYTHON_TOOL names. Random scripts
 * let both work on one bucket; TRACECRAFT_SCRIPTS and TRACECRAFT_COMMANDS say how many and how long, and
 * TRACECRAFT_FIRST_SCRIPT where to go on.
 */
const scripts = Number(process.env.TRACECRAFT_SCRIPTS ?? 1);
const firstScript = Number(process.env.TRACECRAFT_FIRST_SCRIPT ?? 0);
const commands = Number(process.env.TRACECRAFT_COMMANDS ?? 24);
const python = {
  PYTHONPATH: process.env.TRACECRAFT_PYTHON_TOOL ?? '',
  PATH: process.env.PATH ?? '',
};
/** Each command is a process; forking it from one that has loaded boto3 takes a fraction of the time. */
const forking = `
import json, os, sys
import boto3
from tracecraft.cli import main
boto3.client('s3', endpoint_url='http://127.0.0.1:9', aws_access_key_id='x', aws_secret_access_key='x')
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            output = os.open(asked['output'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.environ['TRACECRAFT_AGENT'] = asked['agent']
            sys.argv = ['tracecraft', *asked['args']]
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
`;
const isHere =
  spawnSync('python3', ['-c', 'import tracecraft.cli, boto3'], { env: python }).status === 0;
if (!isHere)
  process.stderr.write('not tried: the Python tool (tracecraft-ai) is not on this machine\n');

/** Its two outputs are `stdout`. */
interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Happened {
  readonly tool: 'ours' | 'theirs';
  readonly agent: string;
  readonly args: readonly string[];
  readonly code: number | null;
  readonly out: string;
}

describe.skipIf(!isHere)('the Python tool (tracecraft-ai) and ours on one bucket', () => {
  let server: S3Server;
  let world: CliWorld;
  let project = '';
  let older: ChildProcess;
  let codes: AsyncIterator<string>;

  beforeAll(async () => {
    server = await startR2();
    world = await createCliWorld();
    project = `both-${randomBytes(4).toString('hex')}`;
    const { endpoint, bucket, accessKey: access_key, secretKey: secret_key } = server;
    const config = {
      backend: 's3',
      endpoint,
      bucket,
      project,
      agent_id: 'ann',
      access_key,
      secret_key,
    };
    await writeFile(join(world.project, '.tracecraft.json'), JSON.stringify(config), {
      mode: 0o600,
    });
    expect((await world.run(['trust', '--yes'])).code).toBe(0);
    const env = { ...python, HOME: world.home, AWS_DEFAULT_REGION: 'auto' };
    older = spawn('python3', ['-c', forking], {
      cwd: world.project,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (older.stdout === null) throw new Error('the Python tool has no stdout');
    codes = createInterface({ input: older.stdout })[Symbol.asyncIterator]();
  }, 60_000);

  afterAll(async () => {
    older.kill();
    await world.remove();
    await server.stop();
  });

  async function theirs(agent: string, args: readonly string[]): Promise<Ran> {
    const output = join(world.root, 'output');
    older.stdin?.write(`${JSON.stringify({ agent, args, output })}\n`);
    const { value } = await codes.next();
    return { code: Number(value), stdout: await readFile(output, 'utf8'), stderr: '' };
  }

  it(`${scripts} random scripts of ${commands} commands: no double claim, no completion undone, no value lost`, async () => {
    for (let script = firstScript; script < firstScript + scripts; script += 1) {
      const choose = seeded(script + 1);
      const happened: Happened[] = [];
      for (let n = 0; n < commands; n += 1) {
        const tool = choose(2) === 0 ? 'ours' : 'theirs';
        const agent = ['ann', 'bob', 'cat'][choose(3)] ?? 'ann';
        const step = `s${script}-${choose(3)}`;
        const key = `plan${script}.v${choose(2)}`;
        const args =
          [
            ['claim', step],
            ['claim', step],
            ['complete', step, '--note', `note-${n}`],
            ['complete', step, '--force', '--blocked'],
            ['memory', 'set', key, `value-${n}`],
            ['memory', 'set', key, `value-${n}`],
          ][choose(6)] ?? [];
        const env = { TRACECRAFT_AGENT: agent, TRACECRAFT_SESSION: agent };
        const { code, stdout, stderr } =
          tool === 'ours' ? await world.run(args, { env }) : await theirs(agent, args);
        happened.push({ tool, agent, args, code, out: stdout + stderr });
      }
      const log = (): string =>
        happened
          .map(
            ({ tool, agent, args, code, out }) =>
              `${tool} ${agent} ${args.join(' ')} → ${code} ${out.split('\n')[0]}`,
          )
          .join('\n');
      expect(doubleClaims(happened), log()).toEqual([]);
      for (const step of [0, 1, 2].map((one) => `s${script}-${one}`)) {
        const ended = happened.some(
          ({ args, code }) => args[0] === 'complete' && args[1] === step && code === 0,
        );
        const { stdout } = await theirs('ann', ['step-status', step]);
        if (ended) expect(stdout, log()).toMatch(/: (complete|blocked) /);
        if (!ended) continue;
        const ours = await world.run(['step-status', step]);
        expect(ours.stdout, log()).toMatch(/ {2}(complete|blocked) {2}/);
      }
      await expectNoValueLost(happened, log);
    }
  }, 7_200_000);

  /** Steps that two were told are theirs, neither of which had been ended in between. */
  function doubleClaims(happened: readonly Happened[]): string[] {
    const held = new Set<string>();
    return happened.flatMap(({ args: [verb, step = ''], code }) => {
      if (code !== 0 || (verb !== 'claim' && verb !== 'complete')) return [];
      if (verb === 'complete') held.delete(step);
      else if (held.has(step)) return [step];
      else held.add(step);
      return [];
    });
  }

  /** All that we set is in the history; what the older tool set is there unless it replaced it itself. */
  async function expectNoValueLost(
    happened: readonly Happened[],
    log: () => string,
  ): Promise<void> {
    const { endpoint, bucket, accessKey, secretKey, region } = server;
    const store = openS3Bucket({ endpoint, bucket, accessKey, secretKey, region });
    const sets = happened.filter(({ args, code }) => args[1] === 'set' && code === 0);
    for (const key of new Set(sets.map(({ args }) => args[2] ?? ''))) {
      const { states } = await memoryHistory({ bucket: store, layout: bucketLayout(project) }, key);
      const kept = states.map(({ value }) => value);
      const mine = sets.filter(({ args }) => args[2] === key);
      const wanted = mine.filter(
        ({ tool }, n) => tool === 'ours' || mine[n + 1]?.tool !== 'theirs',
      );
      for (const { args } of wanted) expect(kept, log()).toContain(args[3]);
      expect(kept.at(-1), log()).toBe(mine.at(-1)?.args[3]);
    }
    await store.close();
  }
});
