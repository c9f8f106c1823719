import type { Bucket } from '../../bucket/bucket.js';
import type { Clock } from '../../clock.js';
import type { SourceError } from '../../errors.js';
import type { Io } from '../../io.js';
import type { MetaDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import type { Redactor } from '../../redact/redact.js';
import type { Checkpoint, ShippedPart } from '../checkpoint.js';
import { type OtherHost, SessionMirror } from '../meta/session-mirror.js';
import type { JoinUsage, OpenOutline } from '../outline.js';
import type { RemovalStore } from '../removal/record.js';
import { RemovedSessions } from '../removal/removed-sessions.js';
import { StreamMirror } from '../slots/stream-mirror.js';
import type { StreamMirrorContext } from '../slots/upload.js';
import {
  type LineStream,
  type SessionRef,
  type Stream,
  sessionKeyOf,
  streamsOf,
  type Watcher,
} from '../stream.js';
import { DuplicateSources } from './duplicate-sources.js';
import { HeldPrefixes } from './held-prefixes.js';
import { inMemory, LocalState } from './local-state.js';
import { peekCwd } from './selection.js';
import { type SourceConflict, SourceConflicts } from './source-conflicts.js';

/** One mirrored chain: where it belongs and what mirrors it. */
export interface MirroredStream {
  readonly session: SessionMirror;
  /** The stream's name in the bucket; a copy's differs from the name its source gives. */
  readonly name: string;
  readonly mirror: StreamMirror;
}

export interface StreamRegistryContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly redactor: Redactor;
  /** Readers of conversations, for titles and turns. */
  readonly openOutline: OpenOutline;
  readonly joinUsage: JoinUsage;
  readonly io: Io;
  readonly clock: Clock;
  readonly watchers: readonly Watcher[];
  readonly isThorough: boolean;
  /** Named in generation records, e.g. `alex@laptop`. */
  readonly who: string;
  readonly agent: string | null;
  readonly host: string;
  /** Throws if the bucket is not the one that was mirrored into before. */
  readonly confirmBucket: () => Promise<void>;
  /** Where local state is kept; `undefined` if nowhere. */
  readonly stateFolder: string | undefined;
  /** Called with the folder of a session before its lines are redacted, at most twice a minute. */
  readonly learnFrom: (folder: string) => Promise<void>;
  readonly onPart: (mirrored: Pick<MirroredStream, 'session' | 'name'>, part: ShippedPart) => void;
  readonly onGeneration: (
    mirrored: Pick<MirroredStream, 'session' | 'name'>,
    checkpoint: Checkpoint,
    reason: string,
  ) => void;
  readonly onStateTrouble: (error: unknown) => void;
  readonly onSourceTrouble: (error: SourceError) => void;
  readonly onOtherHost?: (session: SessionRef, other: OtherHost) => void;
  readonly onMeta?: (document: MetaDocument) => void;
}

const maxCopies = 64;

/**
 * Which source feeds which chain. Usually a stream has one source and a source one stream; if several files carry one
 * session id (a move left a stub, two config folders), the one that agrees furthest with what was uploaded is the
 * stream, and the others become separate streams, `copies/<n>`, which never open a generation.
 */
export class StreamRegistry {
  readonly #context: StreamRegistryContext;
  readonly #sessions = new Map<string, SessionMirror>();
  readonly #mirroredStreams = new Map<string, MirroredStream>();
  readonly #bySource = new Map<string, MirroredStream>();
  readonly #sourceConflicts = new SourceConflicts();
  readonly #duplicates: DuplicateSources;
  readonly #folders = new Map<SessionMirror, string | undefined>();
  #fresh: MirroredStream[] = [];
  readonly #held: HeldPrefixes;
  /** What is known about sessions that were removed from the bucket. */
  readonly removed: RemovedSessions;
  readonly state: LocalState;

  constructor(context: StreamRegistryContext) {
    this.#context = context;
    this.#duplicates = new DuplicateSources(context);
    this.#held = new HeldPrefixes(context);
    this.removed = new RemovedSessions(context);
    this.state = new LocalState(context.io, context.stateFolder, context.onStateTrouble);
  }

  get sessions(): Iterable<SessionMirror> {
    return this.#sessions.values();
  }

  get store(): RemovalStore {
    return this.#context;
  }

  sessionOf(ref: SessionRef): SessionMirror | undefined {
    return this.#sessions.get(sessionKeyOf(ref));
  }

  /** Forgets a session: who meets its sources again starts anew. */
  drop(session: SessionMirror): void {
    const isIts = (mirrored: MirroredStream): boolean => mirrored.session === session;
    for (const [key, mirrored] of this.#mirroredStreams) {
      if (!isIts(mirrored)) continue;
      this.#mirroredStreams.delete(key);
      this.#sourceConflicts.delete(key);
    }
    for (const [source, mirrored] of this.#bySource) {
      if (isIts(mirrored)) this.#bySource.delete(source);
    }
    this.#fresh = this.#fresh.filter((mirrored) => !isIts(mirrored));
    this.#folders.delete(session);
    this.#sessions.delete(sessionKeyOf(session.ref));
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  get mirroredStreams(): Iterable<MirroredStream> {
    return this.#mirroredStreams.values();
  }

  /** Fails here if the store is unreachable, or is not the one that was mirrored into before. */
  confirmBucket(): Promise<void> {
    return this.#context.confirmBucket();
  }

  /** Asks the bucket what it holds if local state does not say. */
  async learnBucket({ mirror }: MirroredStream): Promise<void> {
    if (mirror.checkpoint === undefined) await this.#held.of(mirror.source.session.harness);
  }

  /** The mirrored stream of a source, created when the source is first seen. */
  admit(stream: Stream): MirroredStream {
    const known = this.#bySource.get(stream.source);
    if (known !== undefined) return known;
    const key = keyOf(stream, stream.name);
    if (stream.kind === 'lines') this.#enter(key, stream);
    const existing = this.#mirroredStreams.get(key);
    if (existing === undefined) return this.#create(stream, stream.name);
    if (stream.kind === 'records') return this.#create(stream, stream.name, stream.source);
    if (existing.mirror.source.kind === 'records') this.#goOn(existing, stream);
    return existing;
  }

  /** The harness appends now to a transcript that it wrote anew with each change. */
  #goOn(mirrored: MirroredStream, stream: Stream): void {
    this.#bySource.delete(mirrored.mirror.source.source);
    mirrored.mirror.moveTo(stream);
    this.#bySource.set(stream.source, mirrored);
  }

  /** The mirrored streams created since the last call, whoever caused it. */
  takeFresh(): readonly MirroredStream[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  mirroredStreamOf(source: string): MirroredStream | undefined {
    return this.#bySource.get(source);
  }

  /** Decides whose chain it is before anything is sent; cheap if nobody contests it. */
  async resolveSource(mirrored: MirroredStream): Promise<void> {
    const folder = await this.#folderOf(mirrored);
    if (folder !== undefined) await this.#context.learnFrom(folder);
    const { source } = mirrored.mirror;
    if (!this.#sourceConflicts.isContested(keyOf(source, source.name))) return;
    const contested = this.#contestedBy(mirrored);
    if (contested === undefined) return;
    const { main, sourceConflict } = contested;
    if (main !== mirrored && !(await this.#isGone(main))) return;
    if (main !== mirrored) sourceConflict.isOpen = true;
    if (sourceConflict.isOpen) await this.#elect(main, sourceConflict);
  }

  /** The source contradicts its chain and may not open a generation there: finds out where it belongs. */
  async resolveConflict(mirrored: MirroredStream): Promise<MirroredStream> {
    const { source } = mirrored.mirror;
    if (source.kind === 'records') return mirrored;
    const contested = this.#contestedBy(mirrored);
    if (contested !== undefined) {
      contested.sourceConflict.isOpen = true;
      await this.#elect(contested.main, contested.sourceConflict);
      const owner = this.#bySource.get(source.source);
      if (contested.main === mirrored || (owner !== undefined && owner !== mirrored)) {
        return owner ?? mirrored;
      }
    }
    this.#bySource.delete(source.source);
    return this.#asCopy(source, mirrored.name);
  }

  /** The stream that a source claims to be, whichever it is mirrored as, with all its claimants. */
  #contestedBy({
    mirror,
  }: MirroredStream): { main: MirroredStream; sourceConflict: SourceConflict } | undefined {
    const key = keyOf(mirror.source, mirror.source.name);
    const main = this.#mirroredStreams.get(key);
    const sourceConflict = this.#sourceConflicts.of(key);
    return main === undefined || sourceConflict === undefined
      ? undefined
      : { main, sourceConflict };
  }

  async #isGone({ mirror }: MirroredStream): Promise<boolean> {
    const { source } = mirror;
    return source.kind === 'lines' && (await this.#duplicates.snapshot(source)) === undefined;
  }

  /** Where the session was started: from what is known about it, or at first from its first lines. */
  async #folderOf({ mirror, session }: MirroredStream): Promise<string | undefined> {
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
    const sourceConflict = this.#sourceConflicts.enter(key, stream);
    if (sourceConflict !== undefined && !this.#duplicates.isLeftOut(stream)) {
      sourceConflict.isOpen = true;
    }
  }

  /** Stays open until it is complete: a store that fails halfway must not leave a source without a mirrored stream. */
  async #elect(mirrored: MirroredStream, sourceConflict: SourceConflict): Promise<void> {
    const contenders = sourceConflict.sources.size;
    for (const [path, stream] of sourceConflict.sources) {
      if ((await this.#duplicates.snapshot(stream)) !== undefined) continue;
      if (this.#duplicates.isLeftOut(stream)) continue;
      sourceConflict.sources.delete(path);
      this.#bySource.delete(path);
    }
    const prefix = this.#prefix(mirrored.session, mirrored.name);
    await mirrored.mirror.load();
    const known = mirrored.mirror.checkpoint?.parts ?? [];
    const candidates = await this.#duplicates.rank(
      prefix,
      [...sourceConflict.sources.values()],
      known,
    );
    const [winner, ...losers] = candidates;
    if (winner === undefined) return;
    sourceConflict.mayFork = winner.conflicts;
    if (mirrored.mirror.source !== winner.stream) mirrored.mirror.moveTo(winner.stream);
    this.#bySource.set(winner.stream.source, mirrored);
    for (const loser of losers) {
      if (this.#bySource.get(loser.stream.source) === mirrored) {
        this.#bySource.delete(loser.stream.source);
      }
      if (!this.#bySource.has(loser.stream.source)) await this.#asCopy(loser.stream, '');
    }
    sourceConflict.isOpen = sourceConflict.sources.size > contenders;
  }

  /** The first `copies/<n>` that this source does not contradict. Its content decides, so a restart finds it again. */
  async #asCopy(stream: LineStream, after: string): Promise<MirroredStream> {
    const own = stream.name === '' ? '' : `/${stream.name}`;
    const first = Number(/^copies\/(\d+)/.exec(after)?.[1] ?? 0) + 1;
    for (let number = first; number < maxCopies; number += 1) {
      const name = `copies/${number}${own}`;
      const taken = this.#mirroredStreams.get(keyOf(stream, name));
      if (taken !== undefined && (await this.#isInUse(taken))) continue;
      const session = this.#session(stream);
      const agreement = await this.#duplicates.agreement(this.#prefix(session, name), stream, []);
      if (agreement.conflicts) continue;
      if (taken === undefined) return this.#create(stream, name);
      taken.mirror.moveTo(stream);
      this.#bySource.set(stream.source, taken);
      return taken;
    }
    return this.#create(stream, `copies/${maxCopies}${own}`);
  }

  /** Meanwhile its source may have become the main stream's. */
  async #isInUse(copy: MirroredStream): Promise<boolean> {
    const isOwn = this.#bySource.get(copy.mirror.source.source) === copy;
    return isOwn && !(await this.#isGone(copy));
  }

  #create(stream: Stream, name: string, distinction = ''): MirroredStream {
    const session = this.#session(stream);
    const key = keyOf(stream, name) + distinction;
    const open = (): StreamMirrorContext =>
      this.#mirrorContext(stream, { session, name }, distinction);
    const mirror = new StreamMirror(open, stream);
    const mirrored: MirroredStream = { session, name, mirror };
    if (distinction === '') session.add(name, mirror);
    this.#mirroredStreams.set(key, mirrored);
    this.#fresh.push(mirrored);
    this.#bySource.set(stream.source, mirrored);
    return mirrored;
  }

  #mirrorContext(
    stream: Stream,
    place: Pick<MirroredStream, 'session' | 'name'>,
    distinction: string,
  ): StreamMirrorContext {
    const { bucket, redactor, clock, who, confirmBucket, openOutline, isThorough } = this.#context;
    const { session, name } = place;
    const kept = distinction === '' ? this.state.stream(stream.session, name) : inMemory();
    return {
      bucket,
      redactor,
      outline: (state) => openOutline(session.ref, name, state),
      clock,
      who,
      ...kept,
      prefix: this.#prefix(session, name),
      isHeld: () => this.#isHeld(stream, name),
      confirmBucket: async () => {
        await confirmBucket();
        await this.removed.requireKept(stream.session);
      },
      isThorough,
      onPart: (part) => this.#context.onPart(place, part),
      onGeneration: (checkpoint, reason) => this.#context.onGeneration(place, checkpoint, reason),
      onConflict: () => this.#onConflict(keyOf(stream, name) + distinction, stream, name),
    };
  }

  async #onConflict(key: string, stream: Stream, name: string): Promise<'fork' | 'yield'> {
    if (name.startsWith('copies/')) return 'yield';
    const sourceConflict = this.#sourceConflicts.of(key);
    if (sourceConflict === undefined) return 'fork';
    if (sourceConflict.mayFork) {
      sourceConflict.mayFork = false;
      return 'fork';
    }
    await this.#lookForOthers(stream);
    if (sourceConflict.sources.size === 1) return 'fork';
    sourceConflict.isOpen = true;
    return 'yield';
  }

  /** A moved transcript leaves a stub in its old place: the real one may not have been noticed yet. */
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
    const known = this.sessionOf(stream.session);
    if (known !== undefined) return known;
    const session = new SessionMirror(this.#context, stream.session, () =>
      this.state.session(stream.session),
    );
    this.#sessions.set(sessionKeyOf(stream.session), session);
    return session;
  }

  #prefix(session: SessionMirror, name: string): string {
    return this.#context.layout.stream(session.ref.harness, session.ref.id, name);
  }

  async #isHeld(stream: Stream, name: string): Promise<boolean> {
    const { layout } = this.#context;
    const { harness, id } = stream.session;
    const held = await this.#held.of(harness);
    return held.has(name === '' ? layout.session(harness, id) : layout.streamsOf(harness, id));
  }
}

function keyOf(stream: Stream, name: string): string {
  return [stream.session.harness, stream.session.id, name, ''].join('\n');
}
