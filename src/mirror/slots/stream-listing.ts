import type { Bucket, ObjectEntry } from '../../bucket/bucket.js';
import type { Layout } from '../../protocol/keys.js';
import type { SessionRef } from '../stream.js';
import {
  addPart,
  type Folders,
  listWholeStreams,
  type StreamPlace,
  wholeStreams,
} from './session-streams.js';

/** Each of these is listed by itself, which is there after one round trip. */
const firstOnes = 8;
/** So are the others of a harness, if they are fewer. */
const fewestOthers = 4;
/** Pages come one after the other, while listings of single sessions are made at once. */
const sessionsPerPage = 16;
const keysInPage = 1000;
/** Some 60 MB. */
const mostEntries = 200_000;
const nothing: Folders = new Map();

export interface ListedStreams {
  readonly streams: readonly StreamPlace[];
  /** They were listed together with others, perhaps before anything was read of this session. */
  readonly isShared: boolean;
}

/**
 * Lists the streams of many sessions. A page of a store's listing has room for a thousand keys, so one page serves many
 * sessions: all but the first ones of a harness are listed together, unless they have so many parts that the pages would
 * take longer than a listing of each.
 */
export class StreamListing {
  readonly #bucket: Bucket;
  readonly #layout: Layout;
  readonly #first: ReadonlySet<SessionRef>;
  readonly #counts = new Map<string, number>();
  readonly #shared = new Map<string, Promise<SharedFolders | undefined>>();
  readonly #signal: AbortSignal | undefined;

  /** `sessions` in the order in which they will be asked for. */
  constructor(
    bucket: Bucket,
    layout: Layout,
    sessions: readonly SessionRef[],
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ) {
    this.#bucket = bucket;
    this.#layout = layout;
    this.#signal = signal;
    this.#first = new Set(sessions.slice(0, firstOnes));
    for (const { harness } of sessions.slice(firstOnes)) {
      this.#counts.set(harness, (this.#counts.get(harness) ?? 0) + 1);
    }
  }

  /** One of the sessions that the constructor got. */
  async streamsOf(session: SessionRef): Promise<ListedStreams> {
    const { harness, id } = session;
    const shared = this.#first.has(session) ? undefined : await this.#sharedOf(harness);
    if (shared === undefined) {
      const streams = await listWholeStreams(this.#bucket, this.#layout, session);
      return { streams, isShared: false };
    }
    const prefix = this.#layout.session(harness, id);
    const root = this.#layout.streamsOf(harness, id);
    const own = shared.get(prefix) ?? nothing;
    const further = shared.get(root) ?? nothing;
    return { streams: wholeStreams(prefix, own, root, further), isShared: true };
  }

  #sharedOf(harness: string): Promise<SharedFolders | undefined> {
    const known = this.#shared.get(harness);
    if (known !== undefined) return known;
    const shared = this.#listed(harness, this.#counts.get(harness) ?? 0);
    // Whoever asked may have stopped waiting.
    shared.catch(() => undefined);
    this.#shared.set(harness, shared);
    return shared;
  }

  async #listed(harness: string, sessions: number): Promise<SharedFolders | undefined> {
    if (sessions < fewestOthers) return undefined;
    const pages = 1 + Math.floor(sessions / sessionsPerPage);
    const most = Math.min(mostEntries, pages * keysInPage);
    const folders = new Map<string, Map<string, ObjectEntry[]>>();
    const all = [this.#layout.sessions(harness), this.#layout.streams(harness)];
    const whole = await Promise.all(all.map((prefix) => this.#collect(prefix, folders, most)));
    return whole.every(Boolean) ? folders : undefined;
  }

  /** Whether there were no more than so many keys. */
  async #collect(
    prefix: string,
    folders: Map<string, Map<string, ObjectEntry[]>>,
    most: number,
  ): Promise<boolean> {
    let keys = 0;
    for await (const entry of this.#bucket.list(prefix, { signal: this.#signal })) {
      keys += 1;
      if (keys > most) return false;
      if (entry.kind !== 'object') continue;
      const cut = entry.key.indexOf('/', prefix.length) + 1;
      if (cut === 0) continue;
      const session = entry.key.slice(0, cut);
      const known = folders.get(session);
      const own = known ?? new Map<string, ObjectEntry[]>();
      if (known === undefined) folders.set(session, own);
      addPart(own, entry);
    }
    return true;
  }
}

/** By the folder of the session, or of its further streams. */
type SharedFolders = ReadonlyMap<string, Folders>;
