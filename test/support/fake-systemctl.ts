import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A stand-in for the user's service manager, found through PATH, so that no test meets the one of this machine: it notes what it
 * is asked, and says of the service what the test wants.
 */
export interface FakeSystemctl {
  /** PATH with the stand-in before everything else. */
  readonly PATH: string;
  /** What was asked, one line each, without what only asks for the state. */
  asked(): Promise<readonly string[]>;
  /** The lines of the next `systemctl show`; `undefined`: it cannot be reached. */
  shows(lines: readonly string[] | undefined): Promise<void>;
}

const script = `#!/bin/sh
here=$(dirname "$0")
case "$*" in
  --version) echo 'systemd 252 (stand-in)' ;;
  *show*) [ -f "$here/state" ] && cat "$here/state" || { echo 'Failed to connect to bus' >&2; exit 1; } ;;
  *) echo "$*" >> "$here/asked" ;;
esac
`;

export async function createFakeSystemctl(folder: string): Promise<FakeSystemctl> {
  const bin = join(folder, 'fake-bin');
  await mkdir(bin);
  await writeFile(join(bin, 'asked'), '');
  await writeFile(join(bin, 'systemctl'), script);
  await writeFile(join(bin, 'journalctl'), '#!/bin/sh\necho "a line of the journal"\n');
  for (const name of ['systemctl', 'journalctl']) await chmod(join(bin, name), 0o755);
  const fake: FakeSystemctl = {
    PATH: `${bin}:${process.env.PATH ?? ''}`,
    asked: async () =>
      (await readFile(join(bin, 'asked'), 'utf8'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.replace('--user --no-ask-password ', '')),
    shows: async (lines) => {
      if (lines === undefined) await rm(join(bin, 'state'), { force: true });
      else await writeFile(join(bin, 'state'), `${lines.join('\n')}\n`);
    },
  };
  await fake.shows(['ActiveState=inactive', 'SubState=dead', 'Result=success', 'MainPID=0']);
  return fake;
}
