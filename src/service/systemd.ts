import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Clock } from '../clock.js';
import type { Ended, Run } from './run.js';
import type { Managed, ServiceManager, ServiceState } from './service.js';
import { readUnit, renderUnit, unitName } from './systemd-unit.js';

interface SystemdSettings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly user: string;
  readonly run: Run;
  readonly clock: Clock;
  /** Microseconds of CLOCK_MONOTONIC, the clock of systemd's own times. */
  readonly monotonicUs: () => number;
  /** Where logind keeps an empty file per user whose services outlive the login. */
  readonly lingerFolder?: string;
}

/** Assumed when showing a unit on a machine without systemd. */
const recentVersion = 254;

/** The user's own manager: units in `$XDG_CONFIG_HOME/systemd/user` (systemd.unit(5), "User Unit Search Path"). */
export function systemdManager(settings: SystemdSettings): ServiceManager {
  const { env, home, run } = settings;
  const configHome = env.XDG_CONFIG_HOME ?? '';
  const folder = join(isAbsolute(configHome) ? configHome : join(home, '.config'), 'systemd/user');
  const definition = join(folder, unitName);
  const control = (...args: readonly string[]): Promise<Ended> =>
    run('systemctl', ['--user', '--no-ask-password', ...args]);

  return {
    kind: 'systemd',
    definition,
    link: { path: join(folder, 'default.target.wants', unitName), target: definition },
    log: undefined,
    ownAdditions: `${definition}.d`,
    restartCommand: `systemctl --user restart ${unitName}`,
    logCommand: `journalctl --user -u ${unitName} -f`,
    render: async (spec) => renderUnit(spec, await versionOf(run)),
    read: readUnit,
    start: async () => {
      const reloaded = managed(await control('daemon-reload'));
      return reloaded.ok ? managed(await control('restart', unitName)) : reloaded;
    },
    stop: async () => {
      const ended = await control('stop', unitName);
      const isNone = ended.isMissing || /not loaded/i.test(ended.stderr);
      return isNone ? { ok: true } : managed(ended);
    },
    forget: async () => {
      await control('daemon-reload');
      await control('reset-failed', unitName);
    },
    state: async () =>
      stateOf(await control('show', unitName, `--property=${properties.join(',')}`), settings),
    lastLines: async (count) => {
      const args = ['--user', '-u', unitName, '-n', String(count), '--no-pager', '-q'];
      const { code, stdout } = await run('journalctl', [...args, '-o', 'short-iso']);
      return code === 0 ? stdout.split('\n').filter((line) => line !== '') : [];
    },
    outlivesLogin: async () => {
      const file = join(settings.lingerFolder ?? '/var/lib/systemd/linger', settings.user);
      return stat(file).then(
        () => true,
        () => false,
      );
    },
  };
}

async function versionOf(run: Run): Promise<number> {
  const { stdout } = await run('systemctl', ['--version']);
  return Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? recentVersion);
}

const properties = [
  'ActiveState',
  'SubState',
  'Result',
  'MainPID',
  'FragmentPath',
  'ActiveEnterTimestampMonotonic',
  'NRestarts',
] as const;

function stateOf(shown: Ended, { clock, monotonicUs }: SystemdSettings): ServiceState {
  if (shown.code !== 0)
    return { isReachable: false, reason: reasonOf(shown), isMissing: shown.isMissing };
  const values = new Map(
    shown.stdout.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  const value = (name: (typeof properties)[number]): string => values.get(name) ?? '';
  const pid = Number(value('MainPID'));
  const enteredUs = Number(value('ActiveEnterTimestampMonotonic'));
  const isRunning = value('ActiveState') === 'active' && pid > 0;
  const ago = monotonicUs() - enteredUs;
  const why = value('Result') === 'success' ? value('SubState') : value('Result');
  const restarts = Number(value('NRestarts'));
  return {
    isReachable: true,
    definition: value('FragmentPath') === '' ? null : value('FragmentPath'),
    isRunning,
    pid: isRunning ? pid : null,
    sinceMs: isRunning && enteredUs > 0 ? clock.now() - ago / 1_000 : null,
    words: `${value('ActiveState')} (${why})${restartsText(restarts)}`,
  };
}

function restartsText(restarts: number): string {
  if (!(restarts > 0)) return '';
  return restarts === 1 ? ', restarted once' : `, restarted ${restarts} times`;
}

function managed(ended: Ended): Managed {
  return ended.code === 0 ? { ok: true } : { ok: false, reason: reasonOf(ended) };
}

function reasonOf({ isMissing, code, stderr, stdout }: Ended): string {
  if (isMissing) return 'there is no systemctl on this machine';
  const [line] = `${stderr}\n${stdout}`.split('\n').filter((one) => one.trim() !== '');
  return line?.trim() ?? (code === null ? 'systemctl did not finish in time' : `exit code ${code}`);
}
