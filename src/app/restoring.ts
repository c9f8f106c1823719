import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join, resolve as resolvePath, sep } from 'node:path';
import { requireHarness } from '../../watchers/names.js';
import { createWatchers, loadResume } from '../../watchers/registry.js';
import type { HarnessResume, IndexedCopy, RestoreMode } from '../../watchers/resume.js';
import type { Bucket } from '../bucket/bucket.js';
import { onDisk } from '../bucket/disk-errors.js';
import { systemClock } from '../clock.js';
import { destinationFolder } from '../config/destination.js';
import type { Settings } from '../config/settings.js';
import { NotAllowedError, TracecraftError } from '../errors.js';
import { nodeIo } from '../io.js';
import { activeAt, type ListedSession } from '../mirror/slots/session-listing.js';
import type { Watcher } from '../mirror/stream.js';
import { bucketLayout } from '../protocol/keys.js';
import { lookingDisk, nodeRestoreDisk } from '../restore/disk.js';
import { familiesOf } from '../restore/lineage.js';
import { type Restored, restoreSession } from '../restore/restore.js';
import { Staging } from '../restore/staging.js';
import { reclaimMemory, stayLean } from '../v8-heap.js';

export interface RestoreWish {
  readonly mode: RestoreMode | undefined;
  readonly generation: number | undefined;
  readonly cwd: string;
  /** The folder in which it is resumed instead, if its harness has it already: an absolute path without links. */
  readonly cwdIfHere?: string | undefined;
  /** Stands for the home folder; undefined: the harness's own. */
  readonly into: string | undefined;
  readonly isForced: boolean;
  readonly isDryRun: boolean;
}

export interface RestoredHere extends Restored {
  /** The variables that the commands need. */
  readonly env: Readonly<Record<string, string>>;
}

export interface RestoreAttempt {
  readonly session: ListedSession;
  /** Sessions that were restored together have one outcome. */
  readonly outcome: RestoredHere | TracecraftError;
}

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

const enoughBytes = 100 << 20;
/** So much is laid between two looks at memory: each collection takes as long as laying a megabyte or two. */
const pieceBytes = 8 << 20;

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
    session: ListedSession,
    wish: RestoreWish,
    onBytes: (bytes: number) => void = () => undefined,
  ): Promise<RestoredHere> {
    const cwd = await onDisk(`use the folder ${wish.cwd}`, () => realpath(wish.cwd));
    return this.#restoreAt(session, { ...wish, cwd }, onBytes);
  }

  /** One after another, as if `into` were the home folder; a session that cannot be restored does not stop the rest. */
  async *restoreAll(
    sessions: readonly ListedSession[],
    wish: Pick<RestoreWish, 'mode' | 'isForced' | 'isDryRun'> & { readonly into: string },
  ): AsyncIterable<RestoreAttempt> {
    const known = new Map(sessions.map((one) => [`${one.harness}/${one.id}`, one]));
    for (const harness of new Set(sessions.map((one) => one.harness))) {
      const ids = sessions.filter((one) => one.harness === harness).map(({ id }) => id);
      for (const [first = '', ...also] of await this.#groups(harness, ids, wish.mode)) {
        const members = [first, ...also].flatMap((id) => known.get(`${harness}/${id}`) ?? []);
        const [session] = members;
        if (session === undefined) continue;
        const cwd = session.meta?.cwd ?? wish.into;
        const options = { ...wish, generation: undefined, cwd, also };
        const outcome = await this.#attempt(session, options);
        for (const member of members) yield { session: member, outcome };
      }
    }
  }

  /** Names what was restored to harnesses that find it no other way. Resolves to what could not be done. */
  async index(
    attempts: readonly RestoreAttempt[],
    { into, isDryRun }: { readonly into: string; readonly isDryRun: boolean },
  ): Promise<readonly TracecraftError[]> {
    const failures: TracecraftError[] = [];
    for (const harness of new Set(attempts.map(({ session }) => session.harness))) {
      const resume = await loadResume(harness);
      const copies = attempts.flatMap((one) => copyOf(one, harness));
      if (resume.index === undefined || copies.length === 0) continue;
      const disk = isDryRun ? lookingDisk : nodeRestoreDisk;
      const { folder } = await this.#placeOf(harness, resume, into);
      const staging = await Staging.open(disk, await disk.root(folder), `index-${harness}`);
      try {
        await staging.add(resume.index(copies));
        await (isDryRun ? staging.look() : staging.place());
      } catch (error) {
        if (!(error instanceof TracecraftError)) throw error;
        failures.push(error);
      } finally {
        await staging.close();
      }
    }
    return failures;
  }

  async #attempt(
    session: ListedSession,
    options: RestoreWish & { readonly also: readonly string[] },
  ): Promise<RestoreAttempt['outcome']> {
    try {
      return await this.#restoreAt(session, options, () => undefined);
    } catch (error) {
      if (error instanceof TracecraftError) return error;
      throw error;
    }
  }

  async #groups(
    harness: string,
    ids: readonly string[],
    mode: RestoreMode | undefined,
  ): Promise<readonly (readonly string[])[]> {
    const resume = await loadResume(harness);
    if (resume.baseOf === undefined || mode !== 'verbatim') return ids.map((id) => [id]);
    const layout = bucketLayout(this.#settings.project);
    return familiesOf({ bucket: this.#bucket, layout, harness }, resume, ids);
  }

  async #restoreAt(
    { harness, id, meta }: ListedSession,
    wish: RestoreWish & { readonly also?: readonly string[] },
    onBytes: (bytes: number) => void,
  ): Promise<RestoredHere> {
    stayLean();
    const resume = await loadResume(harness);
    const place = await this.#placeOf(harness, resume, wish.into);
    const { cwd, cwdIfHere, also } = wish;
    const { stateFolder, project } = this.#settings;
    let pieceSoFar = 0;
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
      cwdIfHere,
      folder: place.folder,
      stateFolder:
        wish.into === undefined
          ? destinationFolder(stateFolder, this.#bucket.location, project)
          : undefined,
      isForced: wish.isForced,
      isDryRun: wish.isDryRun,
      // The same for the same session: the next restore removes what a killed one left.
      unique: createHash('sha256').update(`${harness}/${id}`).digest('hex').slice(0, 16),
      onBytes: (bytes) => {
        onBytes(bytes);
        pieceSoFar += bytes;
        if (pieceSoFar < pieceBytes) return;
        pieceSoFar = 0;
        // Parts that were laid are garbage that the collector would let pile up.
        reclaimMemory(enoughBytes);
      },
      also,
    });
    return { ...restored, env: place.env };
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

/** What was restored of this harness. */
function copyOf({ session, outcome }: RestoreAttempt, harness: string): readonly IndexedCopy[] {
  if (session.harness !== harness || outcome instanceof Error) return [];
  const id = outcome.mode === 'verbatim' ? session.id : outcome.id;
  return [{ id, lastMs: Date.parse(activeAt(session)) || 0 }];
}

async function watcherOf(harness: string, { env, home }: Surroundings): Promise<Watcher> {
  const settings = { io: nodeIo, clock: systemClock, env, home };
  const [watcher] = await createWatchers(settings, [harness]);
  if (watcher === undefined) throw new Error(`no watcher for ${harness}`);
  return watcher;
}

/** `--into` is for looking and for disasters: the folder in use is restored to without it. */
async function requireElsewhere(folder: string, own: string): Promise<void> {
  const [there = '', live = ''] = await Promise.all([folder, own].map(resolved));
  if (there !== live && !there.startsWith(live + sep)) return;
  const place = there === live ? 'is' : 'is inside';
  throw new NotAllowedError(`${folder} ${place} the folder that the harness uses`, {
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
