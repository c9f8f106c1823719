import type { Clock } from '../clock.js';
import { nodeIo } from '../io.js';
import type { Watcher } from '../mirror/stream.js';
import {
  type HarnessRoot,
  type HealthRecorder,
  healthPath,
  readHealth,
} from '../mirror/watch/health-record.js';
import type { SelectedSessions } from '../mirror/watch/session-filter.js';
import type { WatchSummary } from '../mirror/watch/summary.js';
import {
  meetEverything,
  missingFolders,
  UnreadSources,
  vanishedFolders,
} from './unread-sources.js';

interface WatchHealthSettings {
  readonly recorder: HealthRecorder;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Local state of the destination. */
  readonly folder: string;
  readonly watchers: readonly Watcher[];
  /** What the watchers could not read so far. */
  readonly unread: UnreadSources;
  /** Fresh watchers, which report to `again` what they cannot read. */
  look(again: UnreadSources): Promise<readonly Watcher[]>;
  /** What is not completely in the bucket now. */
  behind(): WatchSummary['behind'];
}

const everyMs = 10_000;

/**
 * Records the state of a watch for others to read, and determines at its end what may be
 * incomplete.
 */
export class WatchHealth {
  readonly #settings: WatchHealthSettings;
  readonly #since: Date;
  #roots: readonly HarnessRoot[] = [];
  #taken: SelectedSessions | undefined;

  constructor(settings: WatchHealthSettings) {
    this.#settings = settings;
    this.#since = new Date(settings.clock.now());
  }

  /** Records what it covers, after its first scan. */
  covers(taken: SelectedSessions): void {
    this.#taken = taken;
  }

  /** Remembers which folders existed before this watch began. */
  async begin(): Promise<void> {
    const before = await readHealth(nodeIo, this.#settings.folder);
    this.#roots = before?.roots ?? [];
    await this.#noteRoots();
    await this.#write({ behind: [] }, [], false);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, unread } = this.#settings;
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal);
      await this.#noteRoots();
      const behind = this.#settings.behind();
      if (!signal.aborted) await this.#write({ behind }, unread.errors, false);
    }
  }

  /**
   * What cannot be read now, checked afresh: a source that was unreadable for a while and has
   * recovered does not count.
   */
  async end(summary: WatchSummary): Promise<UnreadSources> {
    const { env, watchers, unread, folder } = this.#settings;
    await this.#noteRoots();
    const left = new UnreadSources();
    if (unread.errors.length > 0) {
      const fresh = await this.#settings.look(left);
      await meetEverything(fresh).catch(() => undefined);
    }
    for (const error of await missingFolders(watchers, env)) left.add(error);
    const gone = await vanishedFolders(watchers, this.#roots, healthPath(folder));
    for (const error of gone) left.add(error);
    await this.#write(summary, left.errors, true);
    return left;
  }

  async #noteRoots(): Promise<void> {
    const roots = new Map(this.#roots.map((root) => [root.folder, root]));
    for (const watcher of this.#settings.watchers) {
      const { harness } = watcher;
      for (const folder of await watcher.roots()) roots.set(folder, { harness, folder });
    }
    this.#roots = [...roots.values()];
  }

  #write(
    summary: Pick<WatchSummary, 'behind'>,
    unreadable: readonly Error[],
    ended: boolean,
  ): Promise<void> {
    const { recorder, clock } = this.#settings;
    const health = {
      pid: process.pid,
      since: this.#since,
      roots: this.#roots,
      taken: this.#taken,
      summary,
      unreadable,
      ended,
    };
    return recorder.write(health, new Date(clock.now()));
  }
}
