import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HookSignals } from '../../src/mirror/watch/hook-signal.js';
import { openHookSignals } from '../../src/mirror/watch/hook-signals.js';
import { systemEvents } from '../../src/mirror/watch/system-events.js';
import { metaSchema, parseDocument } from '../../src/protocol/documents.js';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';

const cwd = '/home/alex/work';
/** No sweep comes while a test runs. */
const sweepMs = 3_600_000;

let rig: MirrorRig;
let folder: string;
let troubles: Error[];
let hookSignals: HookSignals;

beforeEach(async () => {
  rig = await MirrorRig.create();
  folder = join(rig.stateFolder, 'spool');
  await mkdir(folder, { recursive: true });
  troubles = [];
  hookSignals = openHookSignals(folder, Date.now, (error) => troubles.push(error));
});

afterEach(() => rig.remove());

function drop(id: string, kind: string, content: object = { session_id: id }): Promise<void> {
  return writeFile(join(folder, `claude-code.${id}.${kind}`), JSON.stringify(content));
}

function row(id: string, text: string): string {
  return lineOf(userRow(text, { sessionId: id, cwd }));
}

async function endedAt(id: string): Promise<string | null> {
  const key = rig.layout.meta('claude-code', id);
  const stored = await rig.bucket.get(key);
  return parseDocument(metaSchema, key, stored?.body ?? Buffer.alloc(0)).ended_at;
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('a watch that reads hook signals, without file events and between two sweeps', () => {
  it('finds a new session by its path, and a growing one by its id', async () => {
    const [known, first, second] = [sessionUuid(), sessionUuid(), sessionUuid()];
    await rig.tree.session(cwd, known).append(row(known, 'zero'));
    const run = rig.watch({ sweepMs, hookSignals });
    await rig.untilShipped(run, 1);
    const path = rig.tree.path(cwd, `${first}.jsonl`);
    // Marks are read once a round: with the second one taken, the sweep of the first round is over.
    for (const kind of ['started', 'advanced']) {
      await drop(known, kind);
      await until(async () => (await readdir(folder)).length === 0);
    }
    await rig.tree.session(cwd, first).append(row(first, 'one'));
    await drop(first, 'started', { session_id: first, transcript_path: path });
    await rig.untilShipped(run, 2);
    await rig.tree.session(cwd, second).append(row(second, 'two'));
    await drop(second, 'advanced');
    await rig.untilShipped(run, 3);
    await until(async () => (await readdir(folder)).length === 0);
    expect(await run.end()).toEqual({ behind: [], rests: [] });
    expect(troubles).toEqual([]);
  });

  it('takes what a search for one session comes across of others, too', async () => {
    const [known, asked, other] = [sessionUuid(), sessionUuid(), sessionUuid()];
    await rig.tree.session(cwd, known).append(row(known, 'zero'));
    const run = rig.watch({ sweepMs, hookSignals });
    await rig.untilShipped(run, 1);
    await rig.tree.session(cwd, other).append(row(other, 'one'));
    await rig.tree.session(cwd, asked).append(row(asked, 'two'));
    await drop(asked, 'advanced');
    await rig.untilShipped(run, 3);
    expect(await run.end()).toEqual({ behind: [], rests: [] });
  });

  it('marks a session as ended, with its last lines, and as open when it is resumed', async () => {
    const id = sessionUuid();
    const transcript = rig.tree.session(cwd, id);
    await transcript.append(row(id, 'one'));
    const run = rig.watch({ sweepMs, hookSignals });
    await rig.untilShipped(run, 1);
    await transcript.append(row(id, 'two'));
    await drop(id, 'ended');
    await rig.untilShipped(run, 2);
    await until(async () => (await endedAt(id)) !== null);
    expect(run.endedSessions).toEqual([id]);
    await drop(id, 'started');
    await until(async () => (await endedAt(id)) === null);
    await run.end();
  });

  it('knows the end of a session whose last lines were sent by a later run, until it grows after that', async () => {
    const id = sessionUuid();
    const transcript = rig.tree.session(cwd, id);
    await transcript.append(row(id, 'one'));
    await rig.once({ hookSignals }).ended;
    await transcript.append(row(id, 'two'));
    await drop(id, 'ended');
    const { bucket } = rig;
    const deaf = {
      ...bucket,
      putIfAbsent: async (key: string, body: Uint8Array) => {
        if (key.includes('/part-')) throw new Error('killed here');
        return bucket.putIfAbsent(key, body);
      },
    };
    await rig.once({ hookSignals, bucket: deaf }).ended.catch(() => undefined);
    expect(await readdir(folder)).toEqual([]);
    await rig.once({ hookSignals }).ended;
    expect(await endedAt(id)).not.toBeNull();

    await transcript.append(row(id, 'three'));
    const later = new Date(Date.now() + 31_000);
    await utimes(transcript.path, later, later);
    await rig.once({ hookSignals }).ended;
    expect(await endedAt(id)).toBeNull();
  });

  it('leaves signals about other sessions to another watch for a minute', async () => {
    const id = sessionUuid();
    await drop(id, 'ended');
    await rig.once({ hookSignals }).ended;
    expect(await readdir(folder)).toEqual([`claude-code.${id}.ended`]);
    const past = new Date(Date.now() - 61_000);
    await utimes(join(folder, `claude-code.${id}.ended`), past, past);
    await rig.once({ hookSignals }).ended;
    expect(await readdir(folder)).toEqual([]);
  });

  it('are taken with the file event that tells of them, without being asked for in between', async () => {
    const id = sessionUuid();
    await rig.tree.session(cwd, id).append(row(id, 'one'));
    await rig.once().ended;
    let asked = 0;
    const counting: HookSignals = {
      folder: () => hookSignals.folder?.(),
      take: (one) => hookSignals.take(one),
      waiting: () => {
        asked += 1;
        return hookSignals.waiting();
      },
    };
    const run = rig.watch({ hookSignals: counting, events: systemEvents(), sweepMs: 60_000 });
    await until(async () => asked > 0);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(asked).toBe(1);
    await drop(id, 'ended');
    await until(async () => (await endedAt(id)) !== null);
    await run.end();
    expect(run.endedSessions).toEqual([id]);
  });
});

describe('the folder of hook signals', () => {
  it('ignores files that no hook wrote, naming each once', async () => {
    const id = sessionUuid();
    const name = (n: number): string => `claude-code.${n}${id}.ended`;
    await writeFile(join(rig.stateFolder, 'target'), JSON.stringify({ session_id: id }));
    await symlink(join(rig.stateFolder, 'target'), join(folder, name(1)));
    await writeFile(join(folder, name(2)), '');
    await truncate(join(folder, name(2)), 2 ** 30);
    await writeFile(join(folder, name(3)), '\0garbage');
    await mkdir(join(folder, name(4)));
    execFileSync('mkfifo', [join(folder, name(5))]);
    await writeFile(join(folder, 'evil\n.txt'), 'x');
    await writeFile(join(folder, name(6)), JSON.stringify({ session_id: 7 }));
    const isRoot = process.getuid?.() === 0;
    if (isRoot) {
      await drop(`7${id}`, 'ended');
      await chown(join(folder, name(7)), 12345, 12345);
    }
    await drop(id, 'advanced');
    expect(await hookSignals.waiting()).toMatchObject([{ kind: 'advanced', sessionId: id }]);
    await hookSignals.waiting();
    expect(troubles.map(({ message }) => message).sort()).toHaveLength(isRoot ? 8 : 7);
    for (const { message } of troubles) expect(message).toContain(folder);
    expect(existsSync(join(rig.stateFolder, 'target'))).toBe(true);
  });

  it('counts as empty if it is missing or a link', async () => {
    const told: Error[] = [];
    const absent = openHookSignals(join(folder, 'none'), Date.now, (error) => told.push(error));
    expect(await absent.waiting()).toEqual([]);
    expect(told).toEqual([]);
    await symlink('/', join(folder, 'link'));
    const link = openHookSignals(join(folder, 'link'), Date.now, (error) => told.push(error));
    expect(await link.waiting()).toEqual([]);
    expect(told).toMatchObject([{ message: expect.stringContaining('not a folder') }]);
  });

  it('keeps a signal that was repeated meanwhile', async () => {
    const id = sessionUuid();
    await drop(id, 'advanced');
    const [hookSignal] = await hookSignals.waiting();
    await drop(id, 'advanced', { session_id: id, transcript_path: '/again' });
    if (hookSignal !== undefined) await hookSignals.take(hookSignal);
    expect(await hookSignals.waiting()).toMatchObject([{ path: '/again' }]);
  });

  it('is cleared of unfinished files of killed hooks after an hour', async () => {
    const old = join(folder, '.claude-code.1');
    await writeFile(old, 'x');
    await writeFile(join(folder, '.claude-code.2'), 'x');
    const past = new Date(Date.now() - 3_700_000);
    await utimes(old, past, past);
    expect(await hookSignals.waiting()).toEqual([]);
    expect(await readdir(folder)).toEqual(['.claude-code.2']);
  });
});
