import type { Bucket } from '../../bucket/bucket.js';
import type { Clock } from '../../clock.js';
import type { SourceError } from '../../errors.js';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import type { Layout } from '../../protocol/keys.js';
import type { Redactor } from '../../redact/redact.js';
import { fileCache, noCache, streamStatePath } from '../state/stream-state.js';
import type { Head, ShippedPart } from '../checkpoint.js';
import { fileOutbox, memoryOutbox } from '../state/pending-put.js';
import { Rivals } from './duplicate-sources.js';
import { peekCwd } from './selection.js';
import { type OtherHost, SessionMirror } from '../meta/session-mirror.js';
import {
  type LineStream,
  type SessionRef,
  type Stream,
  streamsOf,
  type Watcher,
} from '../stream.js';
import { StreamMirror } from '../slots/stream-mirror.js';

/** One chain that is mirrored: where it belongs and what mirrors it. */
export interface Track {
  readonly session: SessionMirror;
  /** The stream's name in the bucket; a copy's is not what its source says. */
  readonly name: string;
  readonly mirror: StreamMirror;
}

export interface RosterContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly redactor: Redactor;
  readonly io: Io;
  readonly clock: Clock;
  readonly watchers: readonly Watcher[];
  readonly isThorough: boolean;
  /** Named in generation records, e.g. `alex@laptop`. */
  readonly who: string;
  readonly agent: string | null;
  readonly host: string;
  /** Where local state is kept; `undefined`: nowhere. */
  readonly stateFolder: string | undefined;
  /** Called with the folder of a session before its lines are redacted, at most twice a minute. */
  readonly learnFrom: (folder: string) => Promise<void>;
  readonly onPart: (track: Pick<Track, 'session' | 'name'>, part: ShippedPart) => void;
  readonly onGeneration: (
    track: Pick<Track, 'session' | 'name'>,
    head: Head,
    reason: string,
  ) => void;
  readonly onCacheTrouble: (error: unknown) => void;
  readonly onSourceTrouble: (error: SourceError) => void;
  readonly onOtherHost?: (session: SessionRef, other: OtherHost) => void;
}

/** Several files that claim to be one stream, and which of them was found to be it. */
interface Contest {
  readonly sources: Map<string, LineStream>;
  /** The sources changed since the last election. */
  isOpen: boolean;
  /** No source agrees with the chain to its end: the elected one may open a generation. */
  mayFork: boolean;
}

const maxCopies = 64;

/**
 * Who is mirrored where. Usually a stream has one source and a source one stream; where several files carry one session id
 * (a move left a stub, two config folders), the one that agrees furthest with what was shipped is the stream, and the
 * others become streams of their own, `copies/<n>`, which never open a generation.
 */
export class Roster {
  readonly #context: RosterContext;
  readonly #sessions = new Map<string, SessionMirror>();
  readonly #tracks = new Map<string, Track>();
  readonly #bySource = new Map<string, Track>();
  readonly #contests = new Map<string, Contest>();
  readonly #rivals: Rivals;
  readonly #folders = new Map<SessionMirror, string | undefined>();
  #fresh: Track[] = [];
  /** Sessions that the bucket held something of at the start; `undefined`: not known, so everything is listed. */
  #inBucket: ReadonlySet<string> | undefined;
  readonly #learnt = new Set<string>();

  constructor(context: RosterContext) {
    this.#context = context;
    this.#rivals = new Rivals(context);
  }

  get sessions(): Iterable<SessionMirror> {
    return this.#sessions.values();
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  get tracks(): Iterable<Track> {
    return this.#tracks.values();
  }

  /** Learns with two shallow listings per harness which sessions the bucket holds; the others start without a listing. */
  async learnBucket(harnesses: readonly string[]): Promise<void> {
    const { bucket, layout } = this.#context;
    const known = new Set<string>();
    for (const harness of harnesses) {
      this.#learnt.add(harness);
      for (const prefix of [layout.sessions(harness), layout.furtherStreams(harness)]) {
        for await (const entry of bucket.list(prefix, { delimiter: '/' })) {
          if (entry.kind === 'prefix') known.add(entry.prefix);
        }
      }
    }
    this.#inBucket = known;
  }

  /** The track of a source, made at first sight. */
  admit(stream: Stream): Track {
    const known = this.#bySource.get(stream.source);
    if (known !== undefined) return known;
    const key = keyOf(stream, stream.name);
    if (stream.kind === 'lines') this.#enter(key, stream);
    const existing = this.#tracks.get(key);
    if (existing === undefined) return this.#create(stream, stream.name);
    if (stream.kind === 'records') return this.#create(stream, stream.name, stream.source);
    return existing;
  }

  /** Local state remembers parts of a stream of which the bucket holds nothing at all any more. */
  isLost(track: Track): boolean {
    const shipped = track.mirror.head?.parts.length ?? 0;
    return shipped > 0 && !this.#mayBeInBucket(track.mirror.source, track.name);
  }

  /** The tracks that were made since this was last asked, whoever had them made. */
  takeFresh(): readonly Track[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  trackOf(source: string): Track | undefined {
    return this.#bySource.get(source);
  }

  /** Settles whose chain it is before anything is sent; cheap when nobody contests it. */
  async settle(track: Track): Promise<void> {
    const folder = await this.#folderOf(track);
    if (folder !== undefined) await this.#context.learnFrom(folder);
    const contest = this.#contests.get(keyOf(track.mirror.source, track.name));
    if (contest?.isOpen) await this.#elect(track, contest);
  }

  /** The source contradicts its chain and may not open a generation there: find out where it belongs. */
  async resolveConflict(track: Track): Promise<Track> {
    const { source } = track.mirror;
    const contest = this.#contests.get(keyOf(source, track.name));
    if (contest !== undefined) {
      contest.isOpen = true;
      await this.#elect(track, contest);
      return track;
    }
    if (source.kind === 'records') return track;
    this.#bySource.delete(source.source);
    return this.#asCopy(source, track.name);
  }

  /** Where the session was started, from what is known of it or, at first, from its first lines. */
  async #folderOf({ mirror, session }: Track): Promise<string | undefined> {
    await mirror.load();
    const main = session.streams.get('') ?? mirror;
    const known = main.facts.cwd ?? mirror.facts.cwd;
    const { source } = mirror;
    const tells = source.kind === 'lines' || source.isCompared;
    if (known !== undefined || !tells) return known;
    if (!this.#folders.has(session)) this.#folders.set(session, await peekCwd(source));
    return this.#folders.get(session);
  }

  #enter(key: string, stream: LineStream): void {
    const contest = this.#contests.get(key);
    if (contest === undefined) {
      const sources = new Map([[stream.source, stream]]);
      this.#contests.set(key, { sources, isOpen: false, mayFork: false });
      return;
    }
    contest.sources.set(stream.source, stream);
    if (!this.#rivals.isLeftOut(stream)) contest.isOpen = true;
  }

  /** Stays open until it is complete: a store that fails in the middle must not leave a source without a track. */
  async #elect(track: Track, contest: Contest): Promise<void> {
    const contenders = contest.sources.size;
    for (const [path, stream] of contest.sources) {
      if ((await this.#rivals.look(stream)) !== undefined) continue;
      if (this.#rivals.isLeftOut(stream)) continue;
      contest.sources.delete(path);
      this.#bySource.delete(path);
    }
    const prefix = this.#prefix(track.session, track.name);
    const known = track.mirror.head?.parts ?? [];
    const candidates = await this.#rivals.rank(prefix, [...contest.sources.values()], known);
    const [winner, ...losers] = candidates;
    if (winner === undefined) return;
    contest.mayFork = winner.conflicts;
    if (track.mirror.source !== winner.stream) track.mirror.moveTo(winner.stream);
    this.#bySource.set(winner.stream.source, track);
    for (const loser of losers) {
      if (this.#bySource.get(loser.stream.source) === track) {
        this.#bySource.delete(loser.stream.source);
      }
      if (!this.#bySource.has(loser.stream.source)) await this.#asCopy(loser.stream, '');
    }
    contest.isOpen = contest.sources.size > contenders;
  }

  /** The first `copies/<n>` that this source does not contradict. Its content decides, so a restart finds it again. */
  async #asCopy(stream: LineStream, after: string): Promise<Track> {
    const own = stream.name === '' ? '' : `/${stream.name}`;
    const first = Number(/^copies\/(\d+)/.exec(after)?.[1] ?? 0) + 1;
    for (let number = first; number < maxCopies; number += 1) {
      const name = `copies/${number}${own}`;
      const taken = this.#tracks.get(keyOf(stream, name));
      if (taken !== undefined && (await taken.mirror.source.changed(undefined)) !== undefined) {
        continue;
      }
      const session = this.#session(stream);
      const agreement = await this.#rivals.agreement(this.#prefix(session, name), stream, []);
      if (agreement.conflicts) continue;
      if (taken === undefined) return this.#create(stream, name);
      taken.mirror.moveTo(stream);
      this.#bySource.set(stream.source, taken);
      return taken;
    }
    return this.#create(stream, `copies/${maxCopies}${own}`);
  }

  #create(stream: Stream, name: string, distinction = ''): Track {
    const { io, stateFolder, bucket, redactor, clock, who } = this.#context;
    const session = this.#session(stream);
    const place = { session, name };
    const { harness, id } = stream.session;
    const prefix = this.#prefix(session, name);
    const path =
      stateFolder === undefined || distinction !== ''
        ? undefined
        : streamStatePath(stateFolder, harness, id, name);
    const { onCacheTrouble } = this.#context;
    const own = stateFolder === undefined ? io : withoutLinks(io, stateFolder);
    const cache = path === undefined ? noCache : fileCache(own, path, onCacheTrouble);
    const outbox = path === undefined ? memoryOutbox() : fileOutbox(own, `${path}.outbox`);
    const key = keyOf(stream, name) + distinction;
    const mirror = new StreamMirror(
      {
        bucket,
        redactor,
        clock,
        who,
        cache,
        outbox,
        prefix,
        listed: this.#mayBeInBucket(stream, name),
        isThorough: this.#context.isThorough,
        onPart: (part) => this.#context.onPart(place, part),
        onGeneration: (head, reason) => this.#context.onGeneration(place, head, reason),
        onConflict: () => this.#onConflict(key, stream, name),
      },
      stream,
    );
    const track: Track = { session, name, mirror };
    if (distinction === '') session.add(name, mirror);
    this.#tracks.set(key, track);
    this.#fresh.push(track);
    this.#bySource.set(stream.source, track);
    return track;
  }

  async #onConflict(key: string, stream: Stream, name: string): Promise<'fork' | 'yield'> {
    if (name.startsWith('copies/')) return 'yield';
    const contest = this.#contests.get(key);
    if (contest === undefined) return 'fork';
    if (contest.mayFork) {
      contest.mayFork = false;
      return 'fork';
    }
    await this.#lookForOthers(stream);
    if (contest.sources.size === 1) return 'fork';
    contest.isOpen = true;
    return 'yield';
  }

  /** A transcript that was moved leaves a stub in its old place: the true one may not have been noticed yet. */
  async #lookForOthers(stream: Stream): Promise<void> {
    const watcher = this.#context.watchers.find(
      ({ harness }) => harness === stream.session.harness,
    );
    if (watcher === undefined) return;
    for await (const other of streamsOf(watcher)) {
      const isSame = other.session.id === stream.session.id && other.name === stream.name;
      if (isSame && other.kind === 'lines') this.#enter(keyOf(other, other.name), other);
    }
  }

  #session(stream: Stream): SessionMirror {
    const { harness, id } = stream.session;
    const key = `${harness}\n${id}`;
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const { bucket, layout, agent, host, redactor, onOtherHost } = this.#context;
    const context = { bucket, layout, agent, host, redactor, onOtherHost };
    const session = new SessionMirror(context, stream.session);
    this.#sessions.set(key, session);
    return session;
  }

  #prefix(session: SessionMirror, name: string): string {
    return this.#context.layout.stream(session.ref.harness, session.ref.id, name);
  }

  #mayBeInBucket(stream: Stream, name: string): boolean {
    if (this.#inBucket === undefined || !this.#learnt.has(stream.session.harness)) return true;
    const { layout } = this.#context;
    const { harness, id } = stream.session;
    return this.#inBucket.has(
      name === '' ? layout.session(harness, id) : layout.streamsOf(harness, id),
    );
  }
}

function keyOf(stream: Stream, name: string): string {
  return [stream.session.harness, stream.session.id, name, ''].join('\n');
}
