import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { launchdManager } from '../../src/service/launchd.js';
import type { Ended, Run } from '../../src/service/run.js';
import { systemdManager } from '../../src/service/systemd.js';
import { EagerClock } from '../support/eager-clock.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

type Answers = (command: string) => Partial<Ended>;

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let asked: string[] = [];
beforeEach(async () => {
  folder = await createTemporaryFolder();
  asked = [];
});
afterEach(() => folder.remove());

function answering(answers: Answers): Run {
  return async (command, args) => {
    const line = [command, ...args].join(' ');
    asked.push(line);
    return { code: 0, stdout: '', stderr: '', isMissing: false, ...answers(line) };
  };
}

describe('launchd', () => {
  const launchd = (answers: Answers) =>
    launchdManager({
      home: folder.path,
      uid: 501,
      run: answering(answers),
      clock: new EagerClock(),
    });

  it('is asked again while the old process is shutting down', async () => {
    let refusals = 2;
    const manager = launchd((line) => {
      if (line.includes('bootout'))
        return { code: 3, stderr: 'Boot-out failed: 3: No such process' };
      if (!line.includes('bootstrap') || refusals === 0) return {};
      refusals -= 1;
      return { code: 5, stderr: 'Bootstrap failed: 5: Input/output error' };
    });
    expect(await manager.start()).toEqual({ ok: true });
    expect(asked.map((line) => line.split(' ')[1])).toEqual([
      'bootout',
      'enable',
      'bootstrap',
      'bootstrap',
      'bootstrap',
    ]);
    expect(asked.at(-1)).toBe(`launchctl bootstrap gui/501 ${manager.definition}`);
  });

  it('is not reported as ended before it has ended', async () => {
    let prints = 3;
    const manager = launchd((line) => {
      if (line.includes('bootout')) return { code: 36, stderr: 'Operation now in progress' };
      prints -= 1;
      return prints > 0 ? { stdout: 'tracecraft.watch = {' } : { code: 113 };
    });
    expect(await manager.stop()).toEqual({ ok: true });
    expect(asked.map((line) => line.split(' ')[1])).toEqual(['bootout', 'print', 'print', 'print']);
    const stuck = launchd(() => ({}));
    expect(await stuck.stop()).toMatchObject({ ok: false });
  });

  it('reports its own reason if it cannot start the service', async () => {
    const manager = launchd((line) =>
      line.includes('bootstrap')
        ? { code: 125, stderr: 'Domain does not support it\nmore' }
        : { code: 3 },
    );
    expect(await manager.start()).toEqual({ ok: false, reason: 'Domain does not support it' });
  });

  it('reports that the service is running, and since when', async () => {
    const clock = new EagerClock();
    const manager = launchdManager({
      home: folder.path,
      uid: 501,
      clock,
      run: answering((line) =>
        line.startsWith('ps')
          ? { stdout: ' 1-02:03:04\n' }
          : {
              stdout:
                'gui/501/tracecraft.watch = {\n\tpath = /x.plist\n\tstate = running\n\tpid = 77\n}',
            },
      ),
    });
    const state = await manager.state();
    expect(state).toMatchObject({ definition: '/x.plist', isRunning: true, pid: 77 });
    const ago = clock.now() - (state.isReachable ? (state.sinceMs ?? 0) : 0);
    expect(Math.round(ago / 1_000)).toBe(26 * 3_600 + 184);
  });

  it('reports that the service ended, or is unknown', async () => {
    const ended = launchd(() => ({ stdout: '\tstate = not running\n\tlast exit code = 7\n' }));
    expect(await ended.state()).toMatchObject({
      isRunning: false,
      words: 'not running, last exit code 7',
    });
    const unknown = launchd(() => ({ code: 113, stderr: 'Could not find service' }));
    expect(await unknown.state()).toMatchObject({ isReachable: true, words: 'not loaded' });
    const missing = launchd(() => ({ code: null, isMissing: true }));
    expect(await missing.state()).toEqual({
      isReachable: false,
      isMissing: true,
      reason: 'there is no launchctl on this machine',
    });
  });
});

describe('systemd', () => {
  const systemd = (answers: Answers) =>
    systemdManager({
      env: {},
      home: folder.path,
      user: 'alex',
      run: answering(answers),
      clock: new EagerClock(),
      monotonicUs: () => 90_000_000,
      lingerFolder: folder.path,
    });

  it('reports since when the service has been running, by its own clock', async () => {
    const clock = new EagerClock();
    const state = await systemd(() => ({
      stdout:
        'ActiveState=active\nSubState=running\nResult=success\nMainPID=12\nFragmentPath=/a=b\nActiveEnterTimestampMonotonic=30000000\nNRestarts=3\n',
    })).state();
    expect(state).toMatchObject({
      definition: '/a=b',
      isRunning: true,
      pid: 12,
      words: 'active (running), restarted 3 times',
    });
    const ago = clock.now() - (state.isReachable ? (state.sinceMs ?? 0) : 0);
    expect(Math.round(ago / 1_000)).toBe(60);
  });

  it('that does not answer does not mean that the service is stopped', async () => {
    const manager = systemd(() => ({
      code: 1,
      stderr: 'Failed to connect to bus: No medium found\n',
    }));
    expect(await manager.state()).toEqual({
      isReachable: false,
      isMissing: false,
      reason: 'Failed to connect to bus: No medium found',
    });
    expect(await manager.start()).toMatchObject({ ok: false });
    expect(asked.at(-1)).toContain('daemon-reload');
  });

  it('knows which users linger', async () => {
    expect(await systemd(() => ({})).outlivesLogin()).toBe(false);
  });
});
