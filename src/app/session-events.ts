import { hostname } from 'node:os';
import type { Bucket } from '../bucket/bucket.js';
import { type Clock, systemClock } from '../clock.js';
import { destinationFolder } from '../config/destination.js';
import { findProjectConfig } from '../config/files.js';
import type { Settings, SettingsContext } from '../config/settings.js';
import { openTrustStore } from '../config/trust.js';
import { type LiveSession, SessionHeartbeats } from '../coordination/agents/session-heartbeats.js';
import { writeEvent } from '../coordination/events.js';
import type { ShippedPart } from '../mirror/checkpoint.js';
import type { SessionMirror } from '../mirror/meta/session-mirror.js';
import type { Watcher } from '../mirror/stream.js';
import { bucketLayout, type Layout } from '../protocol/keys.js';

interface SessionEventsOptions {
  readonly settings: Settings;
  readonly surroundings: SettingsContext;
  readonly bucket: Bucket;
  readonly watchers: readonly Watcher[];
  readonly sessions: () => Iterable<SessionMirror>;
  readonly everyMs: number;
  readonly onTrouble: (error: Error) => void;
}

/** A session younger than this counts as starting now. */
const justBeganMs = 10 * 60_000;

/** Records what a running watch observes about sessions: that they started, and that they are alive. */
export class SessionEvents {
  readonly #options: SessionEventsOptions;
  readonly #clock: Clock = systemClock;
  readonly #layout: Layout;
  readonly #heartbeats: SessionHeartbeats;
  readonly #grownAtMs = new Map<SessionMirror, number>();
  readonly #telling = new Set<Promise<void>>();
  readonly #presumed = new Map<string, string | undefined>();

  constructor(options: SessionEventsOptions) {
    const { bucket, settings, surroundings } = options;
    this.#options = options;
    this.#layout = bucketLayout(settings.project);
    const folder = destinationFolder(settings.stateFolder, bucket.location, settings.project);
    this.#heartbeats = new SessionHeartbeats(
      { bucket, layout: this.#layout, host: hostname(), clock: this.#clock },
      { io: surroundings.io, folder },
    );
  }

  /** Part of a session was sent. */
  grown(session: SessionMirror, name: string, part: ShippedPart): void {
    this.#grownAtMs.set(session, this.#clock.monotonic());
    if (name !== '' || part.sequence !== 0) return;
    this.#began(session).catch((error: unknown) => this.#failed(error));
  }

  /** Its harness recorded its end. */
  ended(session: SessionMirror): void {
    this.#grownAtMs.delete(session);
    const told = this.#tell(session, 'ended')
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#telling.delete(told));
    this.#telling.add(told);
  }

  /** Resolves when pending events are written, or after a time limit. */
  async told(withinMs: number): Promise<void> {
    const enough = new AbortController();
    await Promise.race([Promise.all(this.#telling), this.#clock.sleep(withinMs, enough.signal)]);
    enough.abort();
  }

  /** Runs until `signal` aborts. A failed round is reported and the next one tried. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.sleep(this.#options.everyMs, signal);
      if (signal.aborted) return;
      try {
        await this.#heartbeats.send(await this.#live());
      } catch (error) {
        if (!signal.aborted) this.#failed(error);
      }
    }
  }

  /**
   * Sessions that are running according to the harness, or that have grown since the last round.
   */
  async #live(): Promise<LiveSession[]> {
    const running = new Set<string>();
    for (const watcher of this.#options.watchers) {
      for (const id of await watcher.live()) running.add(placeOf(watcher.harness, id));
    }
    if (running.size === 0 && this.#grownAtMs.size === 0) return [];
    const since = this.#clock.monotonic() - this.#options.everyMs;
    const live: LiveSession[] = [];
    for (const session of this.#options.sessions()) {
      const { harness, id } = session.ref;
      const hasGrown = (this.#grownAtMs.get(session) ?? Number.NEGATIVE_INFINITY) >= since;
      if (!hasGrown) this.#grownAtMs.delete(session);
      if (!hasGrown && !running.has(placeOf(harness, id))) continue;
      live.push({ harness, id, presumedAgent: await this.#presumedAgent(await cwdOf(session)) });
    }
    return live;
  }

  /** From the trusted config above the folder the session was started in, otherwise from this watch's config. */
  async #presumedAgent(cwd: string | undefined): Promise<string | undefined> {
    const { settings } = this.#options;
    if (cwd === undefined) return settings.agent;
    if (!this.#presumed.has(cwd)) this.#presumed.set(cwd, await this.#agentAbove(cwd));
    return this.#presumed.get(cwd) ?? settings.agent;
  }

  /** An unusable or untrusted config in a folder names no agent. */
  async #agentAbove(cwd: string): Promise<string | undefined> {
    const { surroundings } = this.#options;
    try {
      const file = await findProjectConfig({ ...surroundings, cwd });
      if (file === undefined) return undefined;
      const trust = openTrustStore(surroundings, surroundings.io, surroundings.clock);
      const isTrusted = await trust.isTrusted(file);
      return isTrusted ? (file.document.agent_id ?? undefined) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Old sessions are also mirrored when first seen, but they started before this watch did. */
  async #began(session: SessionMirror): Promise<void> {
    const { bucket } = this.#options;
    const startedAt = session.streams.get('')?.facts.startedAt;
    const ageMs = (await bucket.now()).getTime() - Date.parse(startedAt ?? '');
    if (Number.isNaN(ageMs) || ageMs > justBeganMs) return;
    await this.#tell(session, 'started');
  }

  async #tell(session: SessionMirror, what: 'started' | 'ended'): Promise<void> {
    const { harness, id } = session.ref;
    const agent = await this.#presumedAgent(await cwdOf(session));
    if (agent === undefined) return;
    const context = { bucket: this.#options.bucket, layout: this.#layout, agent, sessionId: id };
    const data = { ref: { key: this.#layout.meta(harness, id), id: what }, harness };
    await writeEvent(context, { type: `session.${what}`, data });
  }

  #failed(error: unknown): void {
    this.#options.onTrouble(error instanceof Error ? error : new Error(String(error)));
  }
}

async function cwdOf(session: SessionMirror): Promise<string | undefined> {
  await session.wake();
  return session.streams.get('')?.facts.cwd;
}

function placeOf(harness: string, id: string): string {
  return `${harness}\n${id}`;
}
