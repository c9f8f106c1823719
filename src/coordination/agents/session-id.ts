import { UsageError } from '../../errors.js';
import { hasControlCharacter } from '../../protocol/names.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** An explicit value takes precedence over any harness's. */
const ownVariable = 'TRACECRAFT_SESSION';

/** How terminals and multiplexers identify a window. */
const terminalVariables = [
  'TMUX_PANE',
  'WEZTERM_PANE',
  'KITTY_WINDOW_ID',
  'WT_SESSION',
  'TERM_SESSION_ID',
] as const;

const maxLength = 512;

/** The harness session this process runs in, if the environment names it: by the first of its variables that is set. */
export function sessionIdOf(
  env: Environment,
  harnessVariables: readonly string[],
): string | undefined {
  const variable = [ownVariable, ...harnessVariables].find((name) => (env[name] ?? '') !== '');
  const value = variable === undefined ? undefined : env[variable];
  if (value === undefined || (value.length <= maxLength && !hasControlCharacter(value)))
    return value;
  throw new UsageError(`not a session id: ${variable} is too long or has control characters`, {
    hint: 'Set it to the id of the session, or unset it.',
  });
}

/**
 * Distinguishes two terminals of one user. `processStat` is Linux's `/proc/self/stat`, if available: its process
 * group's session and controlling terminal (proc(5)). `undefined` without a terminal, which is common for what a
 * harness runs.
 */
export function terminalOf(env: Environment, processStat: string | undefined): string | undefined {
  for (const name of terminalVariables) {
    const value = env[name];
    if (value !== undefined && value !== '') return `${name}:${value.slice(0, maxLength)}`;
  }
  // The second field is the program's name in parentheses, and may contain anything.
  const fields = processStat?.slice(processStat.lastIndexOf(')') + 2).split(' ') ?? [];
  const [, , , session = '0', terminal = '0'] = fields;
  return terminal === '0' ? undefined : `tty:${terminal}:${session}`;
}
