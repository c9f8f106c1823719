import { openSeal, type Sealed, type ServiceSpec, sealOf } from './spec.js';

export const unitName = 'tracecraft.service';

/** RestartSteps and RestartMaxDelaySec are known from systemd 254 on; older ones would warn of them at every start. */
const backOffSince = 254;

/**
 * A unit for the user's own service manager. Its syntax is that of systemd.syntax(7), systemd.service(5) and
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
    '# Changes belong into a drop-in (systemctl --user edit tracecraft); "tracecraft service install" writes this file anew.',
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
    // 10: it was ended while something was still behind; the next start goes on there.
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
 * Variables are replaced in arguments, but not in the program's own path (systemd.service(5), "Command lines"), and that path may
 * not have quotes or backslashes in it ("Executable name contains special characters"): then a shell becomes the program.
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
 * WorkingDirectory takes the rest of the line as it is, without quotes or escapes. A slash at its end, which changes nothing,
 * keeps white space from being cut off and a backslash from continuing the line.
 */
function plainPath(path: string): string {
  const held = /[\s\\]$/.test(path) ? `${path}/` : path;
  return held.replaceAll('%', '%%');
}

/** EnvironmentFile takes the rest of the line as a pattern of glob(7). */
function globPath(path: string): string {
  return path.replaceAll(/[*?[\\]/g, '\\$&').replaceAll('%', '%%');
}
