/** The help text of every argument that names a session. */
export const sessionHelp =
  'a session: its id, 4 or more characters of its beginning or end, HARNESS/ID, @2 (row of the last "session list" here), . (of this shell, else the newest of this folder), or words of its title';
