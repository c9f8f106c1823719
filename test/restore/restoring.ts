import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeIo } from '../../src/io.js';
import { readMeta } from '../../src/mirror/slots/session-listing.js';
import type { SessionRef } from '../../src/mirror/stream.js';
import { nodeRestoreDisk } from '../../src/restore/disk.js';
import { type Restored, type RestoreOptions, restoreSession } from '../../src/restore/restore.js';
import { loadResume } from '../../watchers/registry.js';
import { allowWriting, sharedFolder } from '../support/fixture-streams.js';
import type { MirrorRig } from '../support/mirror-rig.js';

/** Where each harness has its things in a home folder. */
export const folders = {
  'claude-code': '.claude',
  codex: '.codex',
  openclaw: '.openclaw',
  hermes: '.hermes',
} as const;

/** Copies a tree of the shared fixtures into the rig's home. */
export async function furnish(rig: MirrorRig, tree: string): Promise<void> {
  for (const [harness, folder] of Object.entries(folders)) {
    const target = join(rig.tree.home, folder);
    await mkdir(target, { recursive: true });
    const from = join(sharedFolder, 'fixtures', tree, harness);
    await cp(from, target, { recursive: true }).catch((error: { code?: string }) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await allowWriting(target);
  }
}

/** Restores into a rig's home, as `session restore` does. */
export async function restoreTo(
  rig: MirrorRig,
  { harness, id }: SessionRef,
  more: Partial<RestoreOptions> = {},
): Promise<Restored> {
  const resume = await loadResume(harness);
  const watcher = rig.watchers().find((one) => one.harness === harness);
  if (watcher === undefined) throw new Error(`no watcher for ${harness}`);
  const { bucket, layout } = rig;
  return restoreSession({
    source: { bucket, layout, harness },
    resume,
    watcher,
    disk: nodeRestoreDisk,
    io: nodeIo,
    session: id,
    meta: await readMeta(bucket, layout.meta(harness, id)),
    mode: undefined,
    generation: undefined,
    cwd: '/work/here',
    folder: resume.folder({ env: {}, home: rig.tree.home }),
    stateFolder: rig.stateFolder,
    isForced: false,
    isDryRun: false,
    unique: 'test',
    onBytes: () => undefined,
    ...more,
  });
}
