import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type CliWorld, collect, createCliWorld, repositoryRoot } from '../support/run-cli.js';

const isFull = process.env.TRACECRAFT_SOAK === 'full';
const instances = '/proc/sys/user/max_inotify_instances';
const watches = '/proc/sys/user/max_inotify_watches';

function canLimit(): boolean {
  if (process.platform !== 'linux') return false;
  if (spawnSync('unshare', ['-Ur', 'sh', '-c', `echo 0 > ${instances}`]).status === 0) return true;
  process.stderr.write('SKIPPED, since unshare cannot limit inotify here: no file events\n');
  return false;
}

const limits: readonly (readonly [string, string, boolean])[] = [
  ['no inotify at all', `echo 0 > ${instances}`, true],
  ['fewer inotify watches than folders', `echo 5 > ${watches}`, true],
  ['64 open files', 'ulimit -n 64', false],
];

describe.skipIf(!canLimit())('watch on a machine with', () => {
  const cwd = '/home/alex/work';
  const [folders, each] = isFull ? [50, 20] : [12, 2];
  let world: CliWorld;
  let transcripts: readonly (readonly [string, Transcript])[];
  let watch: ChildProcess | undefined;

  const append = (text: string) =>
    Promise.all(
      transcripts.map(([sessionId, one]) => one.append(userRow(text, { sessionId, cwd }))),
    );

  beforeEach(async () => {
    world = await createCliWorld();
    transcripts = Array.from({ length: folders * each }, (_, n) => {
      const id = sessionUuid();
      const folder = join(world.home, '.claude', 'projects', `-work-${n % folders}`);
      return [id, new Transcript(join(folder, `${id}.jsonl`))] as const;
    });
    await append('one');
  });

  afterEach(async () => {
    watch?.kill('SIGKILL');
    await world.remove();
  });

  it.each(limits)(
    '%s: nothing is lost, and one warning says so',
    async (_, limit, warns) => {
      const command = `'${process.execPath}' '${join(repositoryRoot, 'bin', 'run.cjs')}' watch`;
      watch = spawn('unshare', ['-Ur', 'sh', '-c', `${limit} && exec ${command}`], {
        cwd: world.home,
        env: { PATH: process.env.PATH ?? '', HOME: world.home, TZ: 'UTC' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const ended = collect(watch);
      let printed = '';
      watch.stdout?.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
      });
      const uploads = () => printed.split('uploaded part-').length - 1;
      await expect.poll(uploads, { timeout: 20_000 }).toBe(transcripts.length);
      await append('two');
      await expect.poll(uploads, { timeout: 20_000 }).toBe(2 * transcripts.length);
      watch.kill('SIGTERM');
      const { code, stdout, stderr } = await ended;
      expect(code).toBe(0);
      const warnings = `${stdout}${stderr}`.split('no file events').length - 1;
      expect(warnings).toBe(warns ? 1 : 0);
      const verified = await world.run(['session', 'verify'], { cwd: world.home });
      expect(verified).toMatchObject({ code: 0 });
      expect(verified.stdout).toContain(`${transcripts.length} streams agree`);
    },
    60_000,
  );
});
