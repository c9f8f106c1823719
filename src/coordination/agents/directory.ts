import type { ObjectEntry } from '../../bucket/bucket.js';
import type { Clock } from '../../clock.js';
import { inParallel } from '../../concurrency.js';
import { livingAgentSchema } from '../../protocol/coordination.js';
import { DocumentError, parseDocument } from '../../protocol/documents.js';
import type { StorePlace } from '../claims/document.js';
import { listRegistrations } from './agents.js';

const readAgainAfterMs = 30 * 60_000;

/**
 * Maps sessions to the agents that name them, for repeated lookups: one listing every half hour, and reads only of
 * documents written since. An agent that starts on this machine meanwhile is found by `agentsSeenIn`.
 */
export class AgentDirectory {
  readonly #place: StorePlace;
  readonly #clock: Clock;
  #readAtMs = Number.NEGATIVE_INFINITY;
  readonly #known = new Map<string, { readonly version: string; readonly sessions: Set<string> }>();

  constructor(place: StorePlace, clock: Clock) {
    this.#place = place;
    this.#clock = clock;
  }

  /** Names of the agents whose registration or heartbeat names the session. */
  agentsOf(sessionId: string): string[] {
    return [...this.#known]
      .filter(([, { sessions }]) => sessions.has(sessionId))
      .map(([agent]) => agent);
  }

  async refreshWhenDue(): Promise<void> {
    const now = this.#clock.monotonic();
    if (now < this.#readAtMs + readAgainAfterMs) return;
    await this.#refresh();
    this.#readAtMs = now;
  }

  async #refresh(): Promise<void> {
    const listed = new Map<string, ObjectEntry>();
    for (const { agent, entry } of await listRegistrations(this.#place)) listed.set(agent, entry);
    for (const agent of this.#known.keys()) if (!listed.has(agent)) this.#known.delete(agent);
    const changed = [...listed].filter(
      ([agent, entry]) => this.#known.get(agent)?.version !== versionOf(entry),
    );
    await inParallel(changed, async ([agent, entry]) => {
      const sessions = await this.#sessionsIn(entry.key);
      this.#known.set(agent, { version: versionOf(entry), sessions });
    });
  }

  async #sessionsIn(key: string): Promise<Set<string>> {
    const stored = await this.#place.bucket.get(key);
    if (stored === undefined) return new Set();
    try {
      const { session_id, sessions } = parseDocument(livingAgentSchema, key, stored.body);
      return new Set([session_id ?? '', ...Object.keys(sessions)]);
    } catch (error) {
      if (error instanceof DocumentError) return new Set();
      throw error;
    }
  }
}

function versionOf({ modifiedAt, size, md5 }: ObjectEntry): string {
  return `${modifiedAt.getTime()}:${size}:${md5 ?? ''}`;
}
