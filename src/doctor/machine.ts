import { randomBytes } from 'node:crypto';
import { readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../errors.js';
import type { Examined, Finding } from './finding.js';

/** https://nodejs.org/en/about/previous-releases, as of 2026-11 */
const supportEnds: Readonly<Record<string, string>> = {
  '20': '2026-04-30',
  '22': '2027-04-30',
  '24': '2028-04-30',
  '26': '2029-04-30',
};
const floor = [20, 19] as const;

/** @param version as in `process.version`, e.g. `v20.19.0` */
export function examineNode(version: string, now: Date): Examined {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const isOld = major < floor[0] || (major === floor[0] && minor < floor[1]);
  const ends = supportEnds[String(major)];
  const ended = ends !== undefined && now.getTime() > Date.parse(ends);
  const support = ended ? `, which gets no security fixes since ${ends}` : '';
  const finding: Finding = {
    name: 'node-too-old',
    severity: 'error',
    message: `Node ${version} is older than ${floor.join('.')}, the oldest version tracecraft supports.`,
    fix: 'Install a newer Node, e.g. from https://nodejs.org.',
  };
  return { check: 'node', facts: [`Node ${version}${support}`], findings: isOld ? [finding] : [] };
}

const leastFreeBytes = 200 * 1024 * 1024;

/** Whether local state can be kept, unreadable to others. It need not exist yet. */
export async function examineState(folder: string): Promise<Examined> {
  const findings: Finding[] = [];
  const present = await stat(folder).catch(() => undefined);
  const nearest = await nearestFolder(folder);
  const trouble = await writeTrouble(nearest);
  if (trouble !== undefined) {
    findings.push({
      name: 'state-folder-unwritable',
      severity: 'error',
      message: `Local state cannot be kept in ${folder}: ${trouble}.`,
      fix: 'Make that folder writable, or name another with TRACECRAFT_HOME.',
    });
  }
  if (present !== undefined && process.platform !== 'win32' && (present.mode & 0o077) !== 0) {
    findings.push({
      name: 'state-folder-readable',
      severity: 'warning',
      message: `Other users of this machine can read ${folder}.`,
      fix: `chmod 700 '${folder}'`,
    });
  }
  const { bavail, bsize } = await statfs(nearest);
  if (bavail * bsize < leastFreeBytes) {
    findings.push({
      name: 'disk-nearly-full',
      severity: 'warning',
      message: `Only ${Math.floor((bavail * bsize) / 1024 / 1024)} MB are free on the disk of ${folder}.`,
      fix: 'Free some space: whatever cannot be remembered must be asked of the bucket again.',
    });
  }
  const state = present === undefined ? `${folder} (not there yet)` : folder;
  return { check: 'state', facts: [`local state in ${state}`], findings };
}

async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory() || folder === dirname(folder)) return folder;
  }
}

/** By writing: modes do not reveal read-only disks and mean nothing to root. */
async function writeTrouble(folder: string): Promise<string | undefined> {
  const path = join(folder, `.tracecraft-doctor-${randomBytes(6).toString('hex')}`);
  try {
    await writeFile(path, 'written by "tracecraft doctor", and removed at once\n', { flag: 'wx' });
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}

interface InotifyFacts {
  /** Folders being watched. */
  readonly folders: number;
  /** `undefined`: not on Linux, or unknown. */
  readonly watches: number | undefined;
  readonly instances: number | undefined;
  /** The system's error when watching one folder failed. */
  readonly refusal: string | undefined;
}

export function judgeInotify({ folders, watches, instances, refusal }: InotifyFacts): Examined {
  const findings: Finding[] = [];
  const limits =
    'sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024';
  if (refusal !== undefined || instances === 0) {
    findings.push({
      name: 'inotify-exhausted',
      severity: 'warning',
      message: `The system provides no file events (${refusal ?? 'no instance is allowed'}): watch checks every 2 s instead.`,
      fix: `${limits} (and a line in /etc/sysctl.d to keep it)`,
    });
  } else if (watches !== undefined && folders > watches) {
    findings.push({
      name: 'inotify-limit',
      severity: 'warning',
      message: `${folders} folders need watching, and only ${watches} are allowed: watch checks every 2 s instead.`,
      fix: `${limits} (and a line in /etc/sysctl.d to keep it)`,
    });
  }
  const limit = watches === undefined ? '' : `, ${watches} allowed`;
  return { check: 'file events', facts: [`${folders} folders to watch${limit}`], findings };
}

export async function readInotifyLimits(): Promise<Pick<InotifyFacts, 'watches' | 'instances'>> {
  const limit = async (name: string): Promise<number | undefined> => {
    // A user namespace has its own limit; the smaller one applies.
    const places = [
      `/proc/sys/fs/inotify/${name}`,
      `/proc/sys/user/${name.replace('_user', '_inotify')}`,
    ];
    const found = await Promise.all(places.map((path) => readFile(path, 'utf8').catch(() => '')));
    const numbers = found.filter((text) => /^\d+\s*$/.test(text)).map(Number);
    return numbers.length === 0 ? undefined : Math.min(...numbers);
  };
  return { watches: await limit('max_user_watches'), instances: await limit('max_user_instances') };
}
