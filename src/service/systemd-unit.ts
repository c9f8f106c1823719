import { openSeal, type Sealed, type ServiceSpec, sealOf } from './spec.js';

export const unitName = 'tracecraft.service';

/**
 * systemd knows RestartSteps and RestartMaxDelaySec since version 254; older ones would warn about them on every
 * start.
 */
const backOffSince = 254;

/**
 * A unit for the user's own service manager, in the syntax of systemd.syntax(7), systemd.service(5) and
 * systemd.resource-control(5). `version` is systemd's, e.g. 252.
 */
export function renderUnit(spec: ServiceSpec, version: number): string {
  const body = unitLines(spec, version).join('\n');
  return `# ${sealOf(spec, body)}\n${body}`;
}

export function readUnit(text: string): Sealed | undefined {
  const [first = '', body] = splitFirstLine(text);
  return first.startsWith('# ') ? openSeal(first.slice(2), body) : undefined;
}

function splitFirstLine(text: string): [string, string] {
  const end = text.indexOf('\n');
  return end === -1 ? [text, ''] : [text.slice(0, end), text.slice(end + 1)];
}

function unitLines(spec: ServiceSpec, version: number): string[] {
  return [
    '# Put changes into a drop-in (systemctl --user edit tracecraft); "tracecraft service install" rewrites this file.',
    '[Unit]',
    "Description=tracecraft: mirrors coding agents' transcripts into your bucket",
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${commandLine([spec.node, spec.script, ...spec.args])}`,
    `WorkingDirectory=${plainPath(spec.folder)}`,
    ...Object.entries(spec.variables).map(
      ([name, value]) => `Environment=${quoted(`${name}=${value}`)}`,
    ),
    ...(spec.secrets === null ? [] : [`EnvironmentFile=${globPath(spec.secrets)}`]),
    'Restart=on-failure',
    ...restartLines(version),
    // 10: it was stopped while something was still behind; the next start continues there.
    'SuccessExitStatus=10 143',
    'KillMode=mixed',
    'TimeoutStopSec=30s',
    'UMask=0077',
    'NoNewPrivileges=true',
    'Nice=5',
    'IOSchedulingClass=best-effort',
    'IOSchedulingPriority=7',
    'MemoryHigh=1G',
    'OOMScoreAdjust=300',
    'StandardOutput=journal',
    'StandardError=journal',
    'SyslogIdentifier=tracecraft',
    'LogRateLimitIntervalSec=30s',
    'LogRateLimitBurst=2000',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ];
}

function restartLines(version: number): string[] {
  if (version < backOffSince) return ['RestartSec=30s'];
  return ['RestartSec=5s', 'RestartSteps=6', 'RestartMaxDelaySec=5min'];
}

/**
 * systemd expands variables in arguments but not in the program's path (systemd.service(5), "Command lines"), and
 * that path must not contain quotes or backslashes ("Executable name contains special characters"). In that case a
 * shell becomes the program.
 */
function commandLine(command: readonly string[]): string {
  const [program = '', ...args] = command;
  if (/["'\\]/.test(program)) return commandLine(['/bin/sh', '-c', 'exec "$@"', 'sh', ...command]);
  return [quoted(program), ...args.map(argument)].join(' ');
}

function argument(text: string): string {
  return quoted(text).replaceAll('$', '$$$$');
}

/** Double quotes, C escapes, and `%%` for a percent sign (systemd.syntax(7), systemd.unit(5) "Specifiers"). */
function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%');
  return `"${escaped}"`;
}

/**
 * WorkingDirectory takes the rest of the line literally, without quotes or escapes. A trailing slash changes nothing,
 * but keeps white space from being trimmed and a backslash from continuing the line.
 */
function plainPath(path: string): string {
  const held = /[\s\\]$/.test(path) ? `${path}/` : path;
  return held.replaceAll('%', '%%');
}

/** EnvironmentFile takes the rest of the line as a glob(7) pattern. */
function globPath(path: string): string {
  return path.replaceAll(/[*?[\\]/g, '\\$&').replaceAll('%', '%%');
}
