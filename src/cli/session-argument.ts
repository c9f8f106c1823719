/** The help text of every argument that names a session. */
export const sessionHelp =
  'a session: its id, 4 or more characters from either end of it, HARNESS/ID, @2 (a row of the last "session list" here), . (the one of this shell, else the newest of this folder), or words of its title';
