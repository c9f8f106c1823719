import { join } from 'node:path';
import type { Io } from '../../src/io.js';
import type { DirectoryListings } from '../files/directory-listings.js';
import { lockedThread } from './layout.js';

/** Where Linux lists all held locks (proc(5)). */
export const kernelLocks = '/proc/locks';

/**
 * The threads a Codex process has open: `thread-writer-locks/<thread>.lock`, locked meanwhile and removed on a clean
 * exit. A killed process leaves the file but not the lock, so where the kernel lists locks, an unlocked file means
 * nothing; elsewhere the file alone has to do.
 */
export async function openThreads(
  io: Io,
  listings: DirectoryListings,
  home: string,
): Promise<ReadonlySet<string>> {
  const folder = join(home, 'thread-writer-locks');
  const threads = new Set<string>();
  let held: ReadonlySet<string> | undefined;
  for (const { name, kind } of (await listings.list(folder)) ?? []) {
    const thread = kind === 'file' ? lockedThread(name) : undefined;
    const stat = thread === undefined ? undefined : await io.stat(join(folder, name));
    if (thread === undefined || stat === undefined) continue;
    held ??= await heldLocks(io);
    if (held.size === 0 || held.has(stat.ino)) threads.add(thread);
  }
  return threads;
}

/** By inode; empty if the system does not tell. */
async function heldLocks(io: Io): Promise<ReadonlySet<string>> {
  const inodes = new Set<string>();
  const table = await io.readFile(kernelLocks).catch(() => undefined);
  for (const line of table?.toString('latin1').split('\n') ?? []) {
    const inode = / [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line)?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
}
