import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { type Io, nodeIo } from '../../src/io.js';
import { everything } from '../../src/mirror/watch/selection.js';
import { ClaudeCodeWatcher } from '../../watchers/claude-code/watcher.js';
import { sessionUuid, userRow } from '../support/claude-tree.js';
import { MirrorRig, type RigOptions } from '../support/mirror-rig.js';
import { systemError } from '../support/wrapped-disk.js';

const cwd = '/srv/kiln';
const selection = { ...everything, cwd };
let rig: MirrorRig;
let locked: string | undefined;
let [readable, unreadable] = ['', ''];

beforeEach(async () => {
  rig = await MirrorRig.create();
  [readable, unreadable] = [sessionUuid(), sessionUuid()];
  for (const id of [unreadable, readable]) {
    await rig.tree.session(cwd, id).append(userRow('fire', { sessionId: id, cwd }));
  }
  locked = rig.tree.session(cwd, unreadable).path;
});

afterEach(() => rig.remove());

function options(): RigOptions {
  const open: Io['open'] = async (path) => {
    if (path === locked) throw systemError('EACCES');
    return nodeIo.open(path);
  };
  const io = { ...nodeIo, open };
  const watchers = [
    new ClaudeCodeWatcher({ io, clock: systemClock, env: {}, home: rig.tree.home }),
  ];
  return { io, selection, watchers, sweepMs: 20 };
}

it('a session whose folder cannot be read stops no other, and is behind under its own name', async () => {
  const run = rig.once(options());
  const { behind } = await run.ended;
  expect(run.parts).toEqual([`${readable}/`]);
  expect(behind).toEqual([
    {
      session: unreadable,
      stream: '',
      source: locked,
      reason: expect.stringContaining('permission denied'),
    },
  ]);
  expect(run.troubles).toHaveLength(1);
  expect(run.taken).toMatchObject([{ sessions: 1, leftSessions: 0, leftElsewhere: 0 }]);
});

it('it is taken as soon as it can be read, though nothing about it changed', async () => {
  const run = rig.watch(options());
  await rig.untilShipped(run, 1);
  locked = undefined;
  await rig.untilShipped(run, 2);
  expect(await run.end()).toMatchObject({ behind: [] });
  expect(run.troubles).toHaveLength(1);
});

it('it is behind no longer once it is gone', async () => {
  const run = rig.watch(options());
  await rig.untilShipped(run, 1);
  await rm(locked ?? '');
  expect(await run.end()).toMatchObject({ behind: [] });
});
