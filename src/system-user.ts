import { homedir, userInfo } from 'node:os';
import { UsageError } from './errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the system knows of who runs this; nothing in a container that runs under a user id of its own. */
function account(): { readonly username: string; readonly homedir: string } | undefined {
  try {
    return userInfo();
  } catch {
    return undefined;
  }
}

export function userName(env: Environment): string | undefined {
  return account()?.username ?? (env.USER || env.LOGNAME || undefined);
}

/** The numeric id stands in for a name that nobody knows. */
export function userLabel(env: Environment): string {
  return userName(env) ?? `uid-${process.getuid?.() ?? 'unknown'}`;
}

/** `undefined`: the system knows none, whatever HOME says. */
export function recordedHome(): string | undefined {
  return account()?.homedir;
}

/** HOME, or else what the system has recorded. */
export function homeFolder(env: Environment): string {
  if (env.HOME) return env.HOME;
  try {
    return homedir();
  } catch (cause) {
    throw new UsageError('this user has no home folder: HOME is not set, and the system has none', {
      hint: 'Set HOME to a folder that this user may write to.',
      cause,
    });
  }
}
