import { userInfo } from 'node:os';

/** The operating system's name for the current user; containers may run under a user id that has none. */
export function userName(env: Readonly<Record<string, string | undefined>>): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return env.USER;
  }
}
