import { userInfo } from 'node:os';

/** The operating system's name of who runs this; containers may run as a user id without one. */
export function userName(env: Readonly<Record<string, string | undefined>>): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return env.USER;
  }
}
