import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.js';
import { agentLabel, readPlist, renderPlist } from './launchd-agent.js';
import type { Ended, Run } from './run.js';
import type { Managed, ServiceManager, ServiceState } from './service.js';

interface LaunchdSettings {
  readonly home: string;
  readonly uid: number;
  readonly run: Run;
  readonly clock: Clock;
}

/** An agent in `~/Library/LaunchAgents`, in the user's login domain (launchctl(1), "gui/<uid>"). */
export function launchdManager({ home, uid, run, clock }: LaunchdSettings): ServiceManager {
  const domain = `gui/${uid}`;
  const target = `${domain}/${agentLabel}`;
  const definition = join(home, 'Library/LaunchAgents', `${agentLabel}.plist`);
  const log = join(home, 'Library/Logs/tracecraft/watch.log');
  const control = (...args: readonly string[]): Promise<Ended> => run('launchctl', args);

  const stop = async (): Promise<Managed> => {
    const ended = await control('bootout', target);
    if (ended.isMissing || isUnknown(ended)) return { ok: true };
    if (ended.code !== 0 && ended.code !== inProgress) return managed(ended);
    return untilGone(() => control('print', target), clock);
  };

  return {
    kind: 'launchd',
    definition,
    link: undefined,
    log,
    ownAdditions: undefined,
    restartCommand: `launchctl kickstart -k ${target}`,
    logCommand: `tail -f ${log}`,
    render: async (spec) => renderPlist(spec),
    read: readPlist,
    start: async () => {
      const stopped = await stop();
      if (!stopped.ok) return stopped;
      await control('enable', target);
      return startAgain(() => control('bootstrap', domain, definition), clock);
    },
    stop,
    forget: async () => undefined,
    state: async () => {
      const printed = await control('print', target);
      if (printed.code !== 0 && !isUnknown(printed)) {
        return { isReachable: false, reason: reasonOf(printed), isMissing: printed.isMissing };
      }
      return stateOf(printed, run, clock);
    },
    lastLines: async (count) => {
      const text = await readFile(log, 'utf8').catch(() => '');
      return text
        .split('\n')
        .filter((line) => line !== '')
        .slice(-count);
    },
    outlivesLogin: async () => undefined,
  };
}

/** EINPROGRESS on macOS: the process is still shutting down. */
const inProgress = 36;
const askEveryMs = 500;
/** Slightly longer than the agent's ExitTimeOut. */
const goneAttempts = 70;
const bootstrapAttempts = 20;

/** `bootout` may return before the process has ended. */
async function untilGone(print: () => Promise<Ended>, clock: Clock): Promise<Managed> {
  for (let attempt = 1; attempt <= goneAttempts; attempt += 1) {
    if (isUnknown(await print())) return { ok: true };
    await clock.sleep(askEveryMs);
  }
  return { ok: false, reason: 'launchd did not stop it in time' };
}

/** Right after the old one ended, `bootstrap` may briefly fail with an I/O error (5) or EALREADY (37). */
async function startAgain(bootstrap: () => Promise<Ended>, clock: Clock): Promise<Managed> {
  for (let attempt = 1; ; attempt += 1) {
    const ended = await bootstrap();
    const isBusy = ended.code === 5 || ended.code === 37;
    if (!isBusy || attempt === bootstrapAttempts) return managed(ended);
    await clock.sleep(askEveryMs);
  }
}

/** ESRCH (3), and 113: "Could not find service". */
function isUnknown({ code }: Ended): boolean {
  return code === 3 || code === 113;
}

/**
 * launchctl(1) says the output of `print` is not an API, so we read only its plain `name = value` lines, any of which
 * may be missing.
 */
async function stateOf(printed: Ended, run: Run, clock: Clock): Promise<ServiceState> {
  const value = (name: string): string | undefined =>
    new RegExp(`^\\t${name} = (.*)$`, 'm').exec(printed.stdout)?.[1];
  const pid = Number(value('pid') ?? 0);
  const isRunning = pid > 0;
  const lastCode = value('last exit code');
  const words = printed.code === 0 ? (value('state') ?? 'loaded') : 'not loaded';
  return {
    isReachable: true,
    definition: value('path') ?? null,
    isRunning,
    pid: isRunning ? pid : null,
    sinceMs: isRunning ? await startedMs(pid, run, clock) : null,
    words: isRunning || lastCode === undefined ? words : `${words}, last exit code ${lastCode}`,
  };
}

/** ps(1): `etime` is [[days-]hours:]minutes:seconds. */
async function startedMs(pid: number, run: Run, clock: Clock): Promise<number | null> {
  const { stdout } = await run('ps', ['-o', 'etime=', '-p', String(pid)]);
  const [, days, hours, minutes, seconds] =
    /^(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)$/.exec(stdout.trim()) ?? [];
  if (minutes === undefined || seconds === undefined) return null;
  const wholeHours = Number(days ?? 0) * 24 + Number(hours ?? 0);
  return clock.now() - ((wholeHours * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
}

function managed(ended: Ended): Managed {
  return ended.code === 0 ? { ok: true } : { ok: false, reason: reasonOf(ended) };
}

function reasonOf({ isMissing, code, stderr, stdout }: Ended): string {
  if (isMissing) return 'there is no launchctl on this machine';
  const [line] = `${stderr}\n${stdout}`.split('\n').filter((one) => one.trim() !== '');
  return line?.trim() ?? (code === null ? 'launchctl did not finish in time' : `exit code ${code}`);
}
