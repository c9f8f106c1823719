import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lineOf, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { canMountPrivately, MountNamespace } from '../support/mount-namespace.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

const state = '.tracecraft/state';
const bucket = '.tracecraft/bucket';
const log = 'watch.log';

/** Disks of a megabyte, seen by one shell and what it starts: the built command on file systems that really are full. */
describe.skipIf(!canMountPrivately())('on a disk that is full or read-only', () => {
  let world: CliWorld;
  let space: MountNamespace;
  let transcript: Transcript;
  let id = '';

  beforeEach(async () => {
    world = await createCliWorld();
    id = sessionUuid();
    transcript = new Transcript(join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`));
    await append(400);
    space = new MountNamespace(world.home);
    expect(await space.tracecraft('init --global')).toMatchObject({ code: 0 });
  });

  afterEach(async () => {
    await space.end();
    await world.remove();
  });

  async function append(count: number): Promise<void> {
    const context = { sessionId: id, cwd: '/work' };
    const row = (n: number) => lineOf(userRow(`${n} ${'x'.repeat(300)}`, context));
    await transcript.append(...Array.from({ length: count }, (_, n) => row(n)));
  }

  async function mountState(): Promise<void> {
    await space.must(`mkdir -p ${state} && mount -t tmpfs -o size=1m,mode=700 none ${state}`);
  }

  /** Bytes left: none. `dd` fails for want of space, which is what it is for. */
  async function fill(folder: string): Promise<void> {
    await space.run(`dd if=/dev/zero of=${folder}/filler bs=4k`);
    const more = await space.run(`echo more > ${folder}/more-filler`);
    expect(more.code, more.output).not.toBe(0);
  }

  async function free(folder: string): Promise<void> {
    await space.must(`rm ${folder}/filler ${folder}/more-filler`);
  }

  async function expectLevel(lines: number): Promise<void> {
    // Generation 0 all along, and the parts, joined by name, are the source: nothing in it is secret.
    expect(await space.must(`find ${bucket} -name 'gen-*'`)).toBe('');
    await space.must(`find ${bucket} -name 'part-*' | sort | xargs cat > joined`);
    await space.must(`cmp joined '${transcript.path}'`);
    expect(Number(await space.must('wc -l < joined'))).toBe(lines);
  }

  it('for local state from the start: reported once, everything is sent, and only once', async () => {
    await mountState();
    await fill(state);
    const first = await space.tracecraft('watch --once');
    expect(first).toMatchObject({ code: 0 });
    expect(first.output.match(/local state cannot be kept in .*: ENOSPC/g)).toHaveLength(1);
    expect(first.output).toContain('Nothing is behind.');
    await append(10);
    const second = await space.tracecraft('watch --once');
    expect(second.output.match(/ {2}uploaded part-/g)).toHaveLength(1);
    expect(second.output).toContain('uploaded part-00001');
    await expectLevel(410);
    await free(state);
    expect(await space.tracecraft('watch --once')).toMatchObject({ code: 0 });
    const kept = await space.tracecraft('watch --once');
    expect(kept.output).not.toMatch(/ENOSPC|uploaded/);
    expect(await space.must(`find ${state} -name main.json`)).not.toBe('');
    // No half file was left where there was no room for a whole one.
    expect(await space.must(`find ${state} -name '*.tmp-*'`)).toBe('');
  });

  it('for local state during a watch, until there is room again', async () => {
    await mountState();
    const watch = await space.start('watch --interval 1s', log);
    await watch.printed('uploaded part-00000');
    await fill(state);
    await append(5);
    await watch.printed('uploaded part-00001');
    await watch.printed('local state cannot be kept');
    await free(state);
    await append(5);
    await watch.printed('uploaded part-00002');
    expect(await watch.end()).toMatchObject({ code: 0 });
    await expectLevel(410);
    const again = await space.tracecraft('watch --once');
    expect(again.output).not.toMatch(/ENOSPC|uploaded/);
  });

  it('for a local bucket during a watch: reported, waited for, and nothing is lost', async () => {
    // A new machine: one that knows the bucket would refuse the empty mount point.
    await space.must(`rm -rf ${state}`);
    await space.must(`mount -t tmpfs -o size=64k,mode=700 none ${bucket}`);
    const watch = await space.start('watch --interval 1s', log);
    await watch.printed('the disk is full (ENOSPC)');
    await watch.printed('Free some space there');
    await append(10);
    await space.must(`mount -o remount,size=20m none ${bucket}`);
    await watch.printed('uploaded part-00000');
    const ended = await watch.end();
    expect(ended).toMatchObject({ code: 0, output: expect.stringContaining('Nothing is behind.') });
    await expectLevel(410);
    expect(await space.must(`find ${bucket}/.tracecraft/tmp -type f`)).toBe('');
  });

  it('for local state, which is read-only: reported once, everything is sent', async () => {
    await mountState();
    expect(await space.tracecraft('watch --once')).toMatchObject({ code: 0 });
    await append(10);
    await space.must(`mount -o remount,ro none ${state}`);
    const readOnly = await space.tracecraft('watch --once');
    expect(readOnly).toMatchObject({ code: 0 });
    expect(readOnly.output.match(/local state cannot be kept in .*: EROFS/g)).toHaveLength(1);
    expect(readOnly.output).toContain('uploaded part-00001');
    await expectLevel(410);
  });

  it('for its whole folder and the harness, while the bucket is elsewhere', async () => {
    const elsewhere = join(world.root, 'elsewhere');
    const init = `init --global --force --backend local --bucket ${elsewhere}`;
    expect(await space.tracecraft(init)).toMatchObject({ code: 0 });
    await space.must('mount --bind .tracecraft .tracecraft');
    await space.must('mount -o remount,bind,ro .tracecraft');
    await space.must('mount --bind .claude .claude && mount -o remount,bind,ro .claude');
    expect((await space.run('touch .claude/probe')).code).not.toBe(0);
    const run = await space.tracecraft('watch --once');
    expect(run).toMatchObject({ code: 0, output: expect.stringContaining('uploaded part-00000') });
    const verified = await space.tracecraft('session verify');
    expect(verified).toMatchObject({
      code: 0,
      output: expect.stringContaining('400 of 400 lines'),
    });
  });
});
