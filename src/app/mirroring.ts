import { hostname } from 'node:os';
import type { Bucket } from '../bucket/bucket.js';
import { systemClock } from '../clock.js';
import { destinationFolder } from '../config/destination.js';
import type { Settings } from '../config/settings.js';
import { joinedUsage } from '../conversation/usage-join.js';
import { messageOf, RefusedError, TracecraftError } from '../errors.js';
import { nodeIo } from '../io.js';
import type { Checkpoint, ShippedPart } from '../mirror/checkpoint.js';
import { IndexWriter } from '../mirror/index/index-writer.js';
import { indexWriterName } from '../mirror/index/writer-name.js';
import type { SessionMirror } from '../mirror/meta/session-mirror.js';
import { announceWriter, type Writer } from '../mirror/slots/other-writers.js';
import { BucketIdentity } from '../mirror/state/bucket-identity.js';
import type { Watcher } from '../mirror/stream.js';
import type { FileEvents } from '../mirror/watch/file-events.js';
import { defaultFlushTiming, type FlushTiming } from '../mirror/watch/flush-schedule.js';
import type { HookSignals } from '../mirror/watch/hook-signal.js';
import { LiveRedactor } from '../mirror/watch/live-redactor.js';
import { WatchLoop } from '../mirror/watch/loop.js';
import type { Selection } from '../mirror/watch/selection.js';
import type { SelectedSessions } from '../mirror/watch/session-filter.js';
import {
  type MirroredStream,
  StreamRegistry,
  type StreamRegistryContext,
} from '../mirror/watch/stream-registry.js';
import { bucketLayout } from '../protocol/keys.js';
import { noRedaction, type Redactor } from '../redact/redact.js';
import type { SentPart } from '../search/published/sent-part.js';
import { userLabel } from '../system-user.js';
import { reclaimingWhenIdle } from '../v8-heap.js';
import type { CompactedSession } from './compaction.js';
import { knownFromHere } from './known-secrets.js';
import { openOutline } from './outlines.js';
import { redactorOf } from './redaction.js';
import { SentParts } from './sent-parts.js';

/**
 * The output of a mirroring command while it runs. Names and figures only, never a line of a
 * transcript.
 */
export interface WatchOutput {
  taken(taken: SelectedSessions, where: string): void;
  /** How many sessions are mirrored now. */
  sessions(count: number): void;
  part(place: Pick<MirroredStream, 'session' | 'name'>, part: ShippedPart): void;
  generation(
    place: Pick<MirroredStream, 'session' | 'name'>,
    checkpoint: Checkpoint,
    reason: string,
  ): void;
  trouble(error: Error, hint: string | undefined): void;
  well(): void;
  compacted(one: CompactedSession): void;
  /** A line about the run itself. */
  note(line: string): void;
  /** Call before the process ends, or before something else writes to the terminal. */
  close(): void;
}

interface MirroringOptions {
  readonly settings: Settings;
  readonly bucket: Bucket;
  readonly watchers: readonly Watcher[];
  readonly selection: Selection;
  readonly events: FileEvents;
  readonly isPolling: boolean;
  /** Signals from the harnesses' hooks, if this process takes them. */
  readonly hookSignals?: HookSignals;
  readonly onEnded?: (session: SessionMirror) => void;
  /** Gets every part that was put into the bucket. */
  readonly onSent?: (part: SentPart) => void;
  /** Compare everything with the bucket, even what local state says is there. */
  readonly isThorough: boolean;
  /** Sends transcripts unredacted. */
  readonly isUnredacted?: boolean;
  /** Longest time between two flushes of a busy session. */
  readonly intervalMs: number | undefined;
  readonly output: WatchOutput;
  readonly progress?: { update(done: number, total?: number): void };
  /** Runs inside someone else's process, whose garbage collection is its own business. */
  readonly isGuest?: boolean;
}

export interface Mirroring {
  readonly loop: WatchLoop;
  readonly registry: StreamRegistry;
  /** Where this destination's local state is kept. */
  readonly folder: string;
  readonly redactor: Redactor;
}

const sweepMs = 10_000;
const idleBytes = 130 * 1024 * 1024;
const reclaimEveryMs = 20_000;
/** While thousands of sessions are compared with what is remembered of them. */
const reclaimAtFirstEveryMs = 1_000;
const atFirstMs = 30_000;
const pollMs = 2_000;

/** Assembles what `watch` and the `session` commands run on. */
export function openMirroring(options: MirroringOptions): Mirroring {
  const { settings, bucket, output } = options;
  warnWithoutArbitration(options);
  const folder = destinationFolder(settings.stateFolder, bucket.location, settings.project);
  const index = new IndexWriter({
    bucket,
    layout: bucketLayout(settings.project),
    writer: () => indexWriterName(nodeIo, folder),
  });
  const context = withSentParts(options, registryContext(options, folder));
  const registry = new StreamRegistry({
    ...context,
    onMeta: (document) => index.record(document, systemClock.monotonic()),
  });
  const loop = new WatchLoop({
    index,
    watchers: options.watchers,
    registry,
    clock: systemClock,
    settings: {
      selection: options.selection,
      timing: timingOf(options.intervalMs),
      events: options.events,
      ...(options.hookSignals === undefined ? {} : { hookSignals: options.hookSignals }),
      sweepMs: options.isPolling ? pollMs : sweepMs,
      pollMs,
      isThorough: options.isThorough,
    },
    report: {
      onTaken: (taken) => {
        output.taken(taken, `${bucket.location} (${settings.project})`);
        if (options.isGuest) return;
        reclaimNowAndThen();
      },
      onEnded: (session) => options.onEnded?.(session),
      onSessions: (count) => output.sessions(count),
      onTrouble: (error) =>
        output.trouble(error, error instanceof TracecraftError ? error.hint : undefined),
      onWell: () => output.well(),
      onProgress: (done, total) => options.progress?.update(done, total),
    },
  });
  return { loop, registry, folder, redactor: context.redactor };
}

/** Scanning thousands of sessions leaves more garbage behind than an idle watch needs. */
function reclaimNowAndThen(): void {
  const reclaim = reclaimingWhenIdle(idleBytes);
  const atFirst = setInterval(reclaim, reclaimAtFirstEveryMs).unref();
  setTimeout(() => clearInterval(atFirst), atFirstMs).unref();
  setInterval(reclaim, reclaimEveryMs).unref();
}

function warnWithoutArbitration({ bucket, settings, output }: MirroringOptions): void {
  if (bucket.capabilities.putIfAbsent) return;
  output.note(
    `${bucket.location} does not arbitrate between writers: mirror each session from one machine only, and keep ${settings.stateFolder}. Otherwise parts may overlap; no line is lost.`,
  );
}

function withSentParts(
  { onSent }: MirroringOptions,
  context: StreamRegistryContext,
): StreamRegistryContext {
  if (onSent === undefined) return context;
  const sent = new SentParts(context.bucket, context.layout, onSent);
  return {
    ...context,
    bucket: sent.bucket,
    onPart: (place, part) => {
      context.onPart(place, part);
      sent.told(place.session.ref, place.name, part);
    },
  };
}

function registryContext(options: MirroringOptions, folder: string): StreamRegistryContext {
  const { settings, bucket, output } = options;
  const agent = settings.agent ?? null;
  const redactor = new LiveRedactor({
    create: (known) => (options.isUnredacted ? noRedaction : redactorOf(settings, known)),
    known: knownFromHere(settings, process.env),
    io: nodeIo,
    clock: systemClock,
  });
  const layout = bucketLayout(settings.project);
  const identity = new BucketIdentity({ bucket, layout, io: nodeIo, folder });
  return {
    bucket,
    layout,
    redactor,
    openOutline,
    joinUsage: joinedUsage,
    io: nodeIo,
    clock: systemClock,
    watchers: options.watchers,
    isThorough: options.isThorough,
    who: `${agent ?? userLabel(process.env)}@${hostname()}`,
    agent,
    host: hostname(),
    confirmBucket: () => identity.confirm(),
    stateFolder: folder,
    learnFrom: (cwd) => redactor.learnFrom(cwd),
    onPart: (stream, part) => output.part(stream, part),
    onGeneration: (stream, checkpoint, reason) => output.generation(stream, checkpoint, reason),
    onSourceTrouble: (error) => output.trouble(error, error.hint),
    onOtherHost: ({ harness, id }, { host, at }) =>
      output.trouble(
        new Error(
          `${harness}/${id} is mirrored from ${host} too${at === null ? '' : `, last at ${at}`}`,
        ),
        'This store does not arbitrate between writers: mirror each session from one machine only.',
      ),
    onStateTrouble: once((error) =>
      output.trouble(
        new Error(`local state cannot be kept in ${folder}: ${messageOf(error)}`),
        'The mirror continues; after a restart it has to ask the bucket again.',
      ),
    ),
  };
}

/**
 * If the store does not arbitrate, each writing machine records its name and learns those of the
 * others.
 */
export async function announceHere(
  settings: Settings,
  bucket: Bucket,
  output: Pick<WatchOutput, 'note' | 'trouble'>,
): Promise<void> {
  if (bucket.capabilities.putIfAbsent) return;
  const layout = bucketLayout(settings.project);
  let writers: readonly Writer[] = [];
  try {
    writers = await announceWriter(bucket, layout, hostname());
  } catch (error) {
    if (!(error instanceof TracecraftError)) throw error;
    output.trouble(error, 'Nothing depends on it: the mirror continues.');
  }
  const [newest, ...more] = writers;
  if (newest === undefined) return;
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  output.note(
    `${newest.host}${others} mirrors into ${settings.project} too, last started at ${newest.at}: make sure that no session is mirrored from both.`,
  );
}

/**
 * Unredacted transcripts are acceptable only in a bucket nobody else reads; for a store's bucket,
 * only its owner knows that.
 */
export function checkUnredacted({ target }: Settings, isSure: boolean): void {
  if (target.backend === 'local' || isSure) return;
  throw new RefusedError(`not sending unredacted secrets to the bucket ${target.bucket}`, {
    hint: 'If only you can read that bucket, say so with --yes.',
  });
}

function timingOf(intervalMs: number | undefined): FlushTiming {
  if (intervalMs === undefined) return defaultFlushTiming;
  return {
    ...defaultFlushTiming,
    longestIntervalMs: Math.max(intervalMs, defaultFlushTiming.firstDelayMs),
  };
}

function once(tell: (error: unknown) => void): (error: unknown) => void {
  let isTold = false;
  return (error) => {
    if (!isTold) tell(error);
    isTold = true;
  };
}
