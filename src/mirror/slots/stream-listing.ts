import type { Bucket, Entry, ObjectEntry } from '../../bucket/bucket.js';
import type { Layout } from '../../protocol/keys.js';
import type { SessionRef } from '../stream.js';
import {
  addPart,
  type Folders,
  listWholeStreams,
  type StreamPlace,
  wholeStreams,
} from './session-streams.js';

/** Each of these is listed by itself where there is more than a page, since that is there after one round trip. */
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
 * sessions. The first pages of each harness are asked for at once, before it is known which sessions there are; where they
 * are not everything, all but the first sessions are listed together, unless they have so many parts that the pages would
 * take longer than a listing of each.
 */
export class StreamListing {
  readonly #bucket: Bucket;
  readonly #layout: Layout;
  readonly #shared: ReadonlyMap<string, SharedListing>;
  #first: ReadonlySet<SessionRef> = new Set();

  constructor(
    bucket: Bucket,
    layout: Layout,
    harnesses: readonly string[],
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ) {
    this.#bucket = bucket;
    this.#layout = layout;
    this.#shared = new Map(
      harnesses.map((harness) => {
        const prefixes = [layout.sessions(harness), layout.streams(harness)];
        return [harness, new SharedListing(bucket, prefixes, signal)];
      }),
    );
  }

  /** All sessions that may be asked for, in that order. */
  expect(sessions: readonly SessionRef[]): void {
    this.#first = new Set(sessions.slice(0, firstOnes));
    const others = new Map<string, number>();
    for (const { harness } of sessions.slice(firstOnes)) {
      others.set(harness, (others.get(harness) ?? 0) + 1);
    }
    for (const [harness, shared] of this.#shared) shared.expect(others.get(harness) ?? 0);
  }

  /** One of the sessions that were expected. */
  async streamsOf(session: SessionRef): Promise<ListedStreams> {
    const { harness, id } = session;
    const listed = this.#shared.get(harness);
    const shared = await (this.#first.has(session) ? listed?.short : listed?.whole);
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
}

/** All that is below some prefixes. */
class SharedListing {
  readonly #bucket: Bucket;
  readonly #signal: AbortSignal | undefined;
  readonly #folders = new Map<string, Map<string, ObjectEntry[]>>();
  #expect: (sessions: number) => void = () => undefined;
  readonly #sessions = new Promise<number>((resolve) => {
    this.#expect = resolve;
  });
  /** `undefined` if there are more keys than are worth listing together. */
  readonly whole: Promise<SharedFolders | undefined>;
  /** `undefined` if there is more than a page of each, or it cannot be listed. */
  readonly short: Promise<SharedFolders | undefined>;

  constructor(bucket: Bucket, prefixes: readonly string[], signal: AbortSignal | undefined) {
    this.#bucket = bucket;
    this.#signal = signal;
    const walks = prefixes.map((prefix) => this.#collect(prefix));
    const all = (whole: readonly boolean[]) => (whole.every(Boolean) ? this.#folders : undefined);
    this.whole = Promise.all(walks.map(({ isWhole }) => isWhole)).then(all);
    this.short = Promise.all(walks.map(({ isShort }) => isShort)).then(all);
    // Whoever asked may have stopped waiting.
    this.whole.catch(() => undefined);
  }

  /** How many sessions may wait for more than the first pages. */
  expect(sessions: number): void {
    this.#expect(sessions);
  }

  #collect(prefix: string): {
    readonly isWhole: Promise<boolean>;
    readonly isShort: Promise<boolean>;
  } {
    let tell: (isShort: boolean) => void = () => undefined;
    const isShort = new Promise<boolean>((resolve) => {
      tell = resolve;
    });
    const isWhole = this.#walk(prefix, () => tell(false));
    isWhole.then(tell, () => tell(false));
    return { isWhole, isShort };
  }

  /** Whether that was all. After the first page it waits until it is known how many may be worth it. */
  async #walk(prefix: string, onPage: () => void): Promise<boolean> {
    let keys = 0;
    let most = Number.POSITIVE_INFINITY;
    for await (const entry of this.#bucket.list(prefix, { signal: this.#signal })) {
      this.#add(prefix, entry);
      keys += 1;
      if (keys === keysInPage) {
        onPage();
        most = mostFor(await this.#sessions);
      }
      if (keys >= most) return false;
    }
    return true;
  }

  #add(prefix: string, entry: Entry): void {
    if (entry.kind !== 'object') return;
    const cut = entry.key.indexOf('/', prefix.length) + 1;
    if (cut === 0) return;
    const session = entry.key.slice(0, cut);
    const known = this.#folders.get(session);
    const own = known ?? new Map<string, ObjectEntry[]>();
    if (known === undefined) this.#folders.set(session, own);
    addPart(own, entry);
  }
}

/** With so many keys a listing is given up that so many sessions wait for. */
function mostFor(sessions: number): number {
  if (sessions < fewestOthers) return keysInPage;
  return Math.min(mostEntries, (1 + Math.floor(sessions / sessionsPerPage)) * keysInPage);
}

/** By the folder of the session, or of its further streams. */
type SharedFolders = ReadonlyMap<string, Folders>;
