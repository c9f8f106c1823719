import type { ObjectEntry } from '../bucket/bucket.js';
import { livingAgentSchema } from '../protocol/coordination.js';
import { DocumentError, parseDocument } from '../protocol/documents.js';
import { isName } from '../protocol/names.js';
import type { StorePlace } from './claim-document.js';
import { inParallel } from './parallel.js';

/**
 * Which agents name which sessions as theirs, for whoever asks again and again: each time one listing, and a read of those
 * documents alone that were written since.
 */
export class AgentDirectory {
  readonly #place: StorePlace;
  readonly #known = new Map<string, { readonly version: string; readonly sessions: Set<string> }>();

  constructor(place: StorePlace) {
    this.#place = place;
  }

  /** Names of the agents whose registration or heartbeat names the session. */
  agentsOf(sessionId: string): string[] {
    return [...this.#known]
      .filter(([, { sessions }]) => sessions.has(sessionId))
      .map(([agent]) => agent);
  }

  async refresh(): Promise<void> {
    const { bucket, layout } = this.#place;
    const listed = new Map<string, ObjectEntry>();
    for await (const entry of bucket.list(layout.agents())) {
      const leaf = entry.kind === 'object' ? entry.key.slice(layout.agents().length) : '';
      const agent = leaf.endsWith('.json') ? leaf.slice(0, -'.json'.length) : '';
      if (entry.kind === 'object' && isName(agent)) listed.set(agent, entry);
    }
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
