import { join } from 'node:path';
import { openOutline } from '../../src/app/outlines.js';
import type { Bucket } from '../../src/bucket/bucket.js';
import { createLocalBucketIfMissing, openLocalBucket } from '../../src/bucket/local/bucket.js';
import { type Clock, systemClock } from '../../src/clock.js';
import { joinedUsage } from '../../src/conversation/usage-join.js';
import { type Io, nodeIo } from '../../src/io.js';
import { type Verdict, verifySources } from '../../src/mirror/slots/verify.js';
import { type Stream, streamsOf, type Watcher } from '../../src/mirror/stream.js';
import { type FileEvents, noEvents } from '../../src/mirror/watch/file-events.js';
import { defaultFlushTiming, type FlushTiming } from '../../src/mirror/watch/flush-schedule.js';
import type { HookSignals } from '../../src/mirror/watch/hook-signal.js';
import { WatchLoop } from '../../src/mirror/watch/loop.js';
import { everything, type Selection } from '../../src/mirror/watch/selection.js';
import type { SelectedSessions } from '../../src/mirror/watch/session-filter.js';
import { StreamRegistry } from '../../src/mirror/watch/stream-registry.js';
import type { WatchSummary } from '../../src/mirror/watch/summary.js';
import { bucketLayout, type Layout } from '../../src/protocol/keys.js';
import type { Redactor } from '../../src/redact/redact.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { ClaudeCodeWatcher } from '../../watchers/claude-code/watcher.js';
import { CodexWatcher } from '../../watchers/codex/watcher.js';
import { copilotWatcher } from '../../watchers/copilot/watcher.js';
import { geminiCliWatcher } from '../../watchers/gemini-cli/watcher.js';
import { HermesWatcher } from '../../watchers/hermes/watcher.js';
import { kimiCodeWatcher } from '../../watchers/kimi-code/watcher.js';
import { OpenClawWatcher } from '../../watchers/openclaw/watcher.js';
import { OpenCodeWatcher } from '../../watchers/opencode/watcher.js';
import { piWatcher } from '../../watchers/pi/watcher.js';
import { qwenCodeWatcher } from '../../watchers/qwen-code/watcher.js';
import { ClaudeTree } from './claude-tree.js';
import { createTemporaryFolder } from './temporary-folder.js';

export interface RigOptions {
  readonly selection?: Selection;
  readonly events?: FileEvents;
  readonly sweepMs?: number;
  readonly isThorough?: boolean;
  readonly hookSignals?: HookSignals;
  readonly timing?: FlushTiming;
  readonly redactor?: Redactor;
  readonly stateFolder?: string;
  readonly learnFrom?: (folder: string) => Promise<void>;
  readonly bucket?: Bucket;
  readonly confirmBucket?: () => Promise<void>;
  /** The loop's and the writers'; watchers keep the system's. */
  readonly clock?: Clock;
  /** Everybody's disk. */
  readonly io?: Io;
  /** All of the rig's by default, on `io`. */
  readonly watchers?: readonly Watcher[];
}

/** One run of the watch loop, and everything it told. */
export interface Run {
  readonly parts: string[];
  readonly shipped: { readonly lines: number };
  readonly generations: string[];
  readonly troubles: Error[];
  /** Sessions that the harness said had ended. */
  readonly endedSessions: string[];
  readonly taken: SelectedSessions[];
  readonly ended: Promise<WatchSummary>;
  /** Resolves when the first look was told. */
  readonly started: Promise<void>;
  end(): Promise<WatchSummary>;
}

/** A tree of Claude Code's transcripts on a real disk, mirrored into a real folder (or whatever bucket is given). */
export class MirrorRig {
  readonly tree: ClaudeTree;
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly stateFolder: string;
  readonly #remove: () => Promise<void>;

  private constructor(
    tree: ClaudeTree,
    bucket: Bucket,
    layout: Layout,
    state: string,
    remove: () => Promise<void>,
  ) {
    this.tree = tree;
    this.layout = layout;
    this.bucket = bucket;
    this.stateFolder = state;
    this.#remove = remove;
  }

  static async create(bucket?: Bucket, project = 'project'): Promise<MirrorRig> {
    const tree = await ClaudeTree.create();
    const { path, remove } = await createTemporaryFolder();
    const root = join(path, 'bucket');
    await createLocalBucketIfMissing(root);
    const opened = bucket ?? (await openLocalBucket({ root }));
    return new MirrorRig(tree, opened, bucketLayout(project), join(path, 'state'), async () => {
      await tree.remove();
      await remove();
    });
  }

  remove(): Promise<void> {
    return this.#remove();
  }

  watchers(io: Io = nodeIo): readonly Watcher[] {
    const settings = { io, clock: systemClock, env: {}, home: this.tree.home };
    return [
      ...[ClaudeCodeWatcher, CodexWatcher, HermesWatcher, OpenClawWatcher, OpenCodeWatcher].map(
        (Kind) => new Kind(settings),
      ),
      ...[piWatcher, qwenCodeWatcher, copilotWatcher, kimiCodeWatcher, geminiCliWatcher].map(
        (create) => create(settings),
      ),
    ];
  }

  once(options: RigOptions = {}): Run {
    return this.#run(options, (loop, signal) => loop.once(signal));
  }

  watch(options: RigOptions = {}): Run {
    return this.#run(options, (loop, signal) => loop.run(signal));
  }

  #run(
    options: RigOptions,
    begin: (loop: WatchLoop, signal: AbortSignal) => Promise<WatchSummary>,
  ): Run {
    const summary = new AbortController();
    const [parts, generations]: [string[], string[]] = [[], []];
    const troubles: Error[] = [];
    const endedSessions: string[] = [];
    const taken: SelectedSessions[] = [];
    const shipped = { lines: 0 };
    let start: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      start = resolve;
    });
    const io = options.io ?? nodeIo;
    const watchers = options.watchers ?? this.watchers(io);
    const clock = options.clock ?? systemClock;
    const registry = new StreamRegistry({
      bucket: options.bucket ?? this.bucket,
      layout: this.layout,
      redactor: options.redactor ?? createRedactor(),
      openOutline,
      joinUsage: joinedUsage,
      io,
      clock,
      watchers,
      isThorough: options.isThorough ?? false,
      who: 'tester@here',
      agent: 'tester',
      host: 'here',
      stateFolder: options.stateFolder ?? this.stateFolder,
      confirmBucket: options.confirmBucket ?? (async () => undefined),
      learnFrom: options.learnFrom ?? (async () => undefined),
      onPart: ({ session, name }, part) => {
        parts.push(`${session.ref.id}/${name}`);
        shipped.lines += part.endLine - part.startLine;
      },
      onGeneration: (_track, _head, reason) => generations.push(reason),
      onSourceTrouble: (error) => troubles.push(error),
      onOtherHost: ({ id }, { host }) => troubles.push(new Error(`${id} from ${host}`)),
      onStateTrouble: (error) => troubles.push(new Error('cache', { cause: error })),
    });
    const loop = new WatchLoop({
      watchers,
      registry,
      clock,
      settings: {
        selection: options.selection ?? everything,
        timing: options.timing ?? defaultFlushTiming,
        events: options.events ?? noEvents,
        sweepMs: options.sweepMs ?? 10_000,
        pollMs: 2_000,
        ...(options.hookSignals === undefined ? {} : { hookSignals: options.hookSignals }),
        isThorough: options.isThorough ?? false,
      },
      report: {
        onTaken: (what) => {
          taken.push(what);
          start();
        },
        onSessions: () => undefined,
        onTrouble: (error) => troubles.push(error),
        onEnded: ({ ref }) => endedSessions.push(ref.id),
        onWell: () => undefined,
        onProgress: () => undefined,
      },
    });
    const ended = begin(loop, summary.signal);
    return {
      parts,
      shipped,
      generations,
      troubles,
      endedSessions,
      taken,
      ended,
      started,
      end: () => {
        summary.abort();
        return ended;
      },
    };
  }

  /** Every stream on the disk beside the bucket, read as any reader would. */
  async verdicts(watchers = this.watchers()): Promise<ReadonlyMap<string, Verdict>> {
    const sources: Stream[] = [];
    for (const watcher of watchers) {
      for await (const stream of streamsOf(watcher)) sources.push(stream);
    }
    const verdicts = new Map<string, Verdict>();
    for await (const one of verifySources(this.bucket, this.layout, sources, systemClock)) {
      const key = `${one.stream.session.id}/${one.name}`;
      // Several files may claim to be one stream: none hides what is wrong with another.
      verdicts.set(verdicts.has(key) ? `${key} ${one.stream.source}` : key, one.verdict);
    }
    return verdicts;
  }

  /** Polls the bucket until all streams are as they should be; fails with what is wrong when that takes too long. */
  async untilLevel(withinMs: number): Promise<number> {
    const startedMs = performance.now();
    for (;;) {
      const wrong = [...(await this.verdicts())].filter(([, { state }]) => state !== 'ok');
      const elapsedMs = performance.now() - startedMs;
      if (wrong.length === 0) return elapsedMs;
      if (elapsedMs > withinMs) throw new Error(`not level: ${JSON.stringify(wrong)}`);
      await systemClock.sleep(20);
    }
  }

  /** Waits without asking the bucket anything. */
  async untilShipped(run: Run, lines: number): Promise<void> {
    for (let wait = 0; run.shipped.lines < lines; wait += 1) {
      if (wait > 1_000) throw new Error(`${run.shipped.lines} of ${lines} lines were shipped`);
      await systemClock.sleep(10);
    }
  }

  async keys(prefix = ''): Promise<string[]> {
    const keys: string[] = [];
    for await (const entry of this.bucket.list(prefix)) {
      if (entry.kind === 'object') keys.push(entry.key);
    }
    return keys;
  }
}
