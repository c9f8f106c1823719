import { randomBytes } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join, resolve as resolvePath } from 'node:path';
import { requireHarness } from '../../watchers/names.js';
import { createWatchers, loadResume } from '../../watchers/registry.js';
import type { HarnessResume, RestoreMode } from '../../watchers/resume.js';
import type { Bucket } from '../bucket/bucket.js';
import { onDisk } from '../bucket/disk-errors.js';
import { systemClock } from '../clock.js';
import { destinationFolder } from '../config/destination.js';
import type { Settings } from '../config/settings.js';
import { NotAllowedError, UnsupportedError } from '../errors.js';
import { nodeIo } from '../io.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import type { Watcher } from '../mirror/stream.js';
import { bucketLayout } from '../protocol/keys.js';
import { lookingDisk, nodeRestoreDisk } from '../restore/disk.js';
import { type Restored, restoreSession } from '../restore/restore.js';

export interface RestoreWish {
  readonly mode: RestoreMode | undefined;
  readonly generation: number | undefined;
  readonly cwd: string;
  /** Stands for the home folder; undefined: the harness's own. */
  readonly into: string | undefined;
  readonly isForced: boolean;
  readonly isDryRun: boolean;
}

export interface RestoredHere extends Restored {
  /** The folder in which it is resumed. */
  readonly cwd: string;
  /** The variables that the commands need. */
  readonly env: Readonly<Record<string, string>>;
}

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** Restores sessions of one bucket to this machine. */
export class Restoring {
  readonly #settings: Settings;
  readonly #bucket: Bucket;
  readonly #here: Surroundings;

  constructor(settings: Settings, bucket: Bucket, here: Surroundings) {
    this.#settings = settings;
    this.#bucket = bucket;
    this.#here = here;
  }

  async restore(
    { harness, id, meta }: ListedSession,
    wish: RestoreWish,
    onBytes: (bytes: number) => void = () => undefined,
  ): Promise<RestoredHere> {
    const resume = await requireResume(harness);
    const place = await this.#placeOf(harness, resume, wish.into);
    const cwd = await onDisk(`use the folder ${wish.cwd}`, () => realpath(wish.cwd));
    const { stateFolder, project } = this.#settings;
    const restored = await restoreSession({
      source: { bucket: this.#bucket, layout: bucketLayout(project), harness },
      resume,
      watcher: place.watcher,
      disk: wish.isDryRun ? lookingDisk : nodeRestoreDisk,
      io: nodeIo,
      session: id,
      meta,
      mode: wish.mode,
      generation: wish.generation,
      cwd,
      folder: place.folder,
      stateFolder:
        wish.into === undefined
          ? destinationFolder(stateFolder, this.#bucket.location, project)
          : undefined,
      isForced: wish.isForced,
      isDryRun: wish.isDryRun,
      unique: `${process.pid}-${randomBytes(6).toString('hex')}`,
      onBytes,
    });
    return { ...restored, cwd, env: place.env };
  }

  async #placeOf(harness: string, resume: HarnessResume, into: string | undefined) {
    const own = resume.folder(this.#here);
    const home = into === undefined ? undefined : resolvePath(into);
    const surroundings = home === undefined ? this.#here : { env: {}, home };
    const folder = resume.folder(surroundings);
    if (home !== undefined) await requireElsewhere(folder, own);
    const [variable] = requireHarness(harness).folderVariables;
    const isNamed = home !== undefined && variable !== undefined;
    return {
      folder,
      watcher: await watcherOf(harness, surroundings),
      env: isNamed ? { [variable]: folder } : {},
    };
  }
}

async function watcherOf(harness: string, { env, home }: Surroundings): Promise<Watcher> {
  const settings = { io: nodeIo, clock: systemClock, env, home };
  const [watcher] = await createWatchers(settings, [harness]);
  if (watcher === undefined) throw new Error(`no watcher for ${harness}`);
  return watcher;
}

async function requireResume(harness: string): Promise<HarnessResume> {
  const resume = await loadResume(harness);
  if (resume !== undefined) return resume;
  throw new UnsupportedError(`sessions of ${harness} cannot be laid back`, {
    hint: '"tracecraft session brief" hands one on to any harness.',
  });
}

/** `--into` is for looking and for disasters: the folder in use is restored to without it. */
async function requireElsewhere(folder: string, own: string): Promise<void> {
  const [there, live] = await Promise.all([folder, own].map(resolved));
  if (there !== live) return;
  throw new NotAllowedError(`${folder} is the folder that the harness uses`, {
    hint: 'Leave out --into, or name an empty folder.',
  });
}

/** A folder that is not there yet may be below one that is a link. */
async function resolved(folder: string): Promise<string> {
  const above = resolvePath(folder, '..');
  try {
    return await realpath(folder);
  } catch {
    if (above === folder) return folder;
    return join(await resolved(above), folder.slice(above.length).replace(/^[/\\]/, ''));
  }
}
