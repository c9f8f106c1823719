import type { LivingAgentDocument } from '../../protocol/coordination.js';
import { holdersAt } from '../claims/holder-files.js';
import { renewHeld } from '../claims/renew.js';
import type { CoordinationContext } from '../context.js';
import { writeEvent } from '../events.js';
import { agentsSeenIn, type HeartbeatRecord, sessionsAfter } from './agents.js';
import { AgentDirectory } from './directory.js';
import { type AgentVersion, changeAgent } from './document.js';
import { newAgent } from './registration.js';

/** A session that is running now. */
export interface LiveSession {
  readonly harness: string;
  readonly id: string;
  /** The agent assumed to run in it as long as no agent names the session; `undefined`: none. */
  readonly presumedAgent: string | undefined;
}

/**
 * Heartbeats a watcher sends for live sessions, together with renewals of the claims made from
 * them, so that an agent keeps its claims however long one of its tools is silent. An agent has one
 * document for all of its sessions.
 */
export class SessionHeartbeats {
  readonly #context: Omit<CoordinationContext, 'agent' | 'sessionId'>;
  readonly #directory: AgentDirectory;

  readonly #records: HeartbeatRecord | undefined;
  readonly #written = new Map<string, AgentVersion>();

  /** With this machine's records, an agent is known from its first command on without a request. */
  constructor(
    context: Omit<CoordinationContext, 'agent' | 'sessionId'>,
    records?: HeartbeatRecord,
  ) {
    this.#context = context;
    this.#records = records;
    this.#directory = new AgentDirectory(context, context.clock);
  }

  /** Sends one for each agent of these sessions. Without sessions it sends no request at all. */
  async send(live: readonly LiveSession[]): Promise<void> {
    if (live.length === 0) return;
    await this.#directory.refreshWhenDue();
    const byAgent = new Map<string, LiveSession[]>();
    for (const session of live) {
      for (const agent of await this.#agentsOf(session)) {
        byAgent.set(agent, [...(byAgent.get(agent) ?? []), session]);
      }
    }
    const failures: unknown[] = [];
    for (const [agent, sessions] of byAgent) {
      await this.#beat(agent, sessions).catch((error: unknown) => failures.push(error));
    }
    for (const { id } of live) {
      await this.#renew(id).catch((error: unknown) => failures.push(error));
    }
    // One agent's unwritable document must not silence the others.
    if (failures.length > 0) throw failures[0];
  }

  /** Renews the session's claims, whichever of its agents made them. */
  async #renew(sessionId: string): Promise<void> {
    if (this.#records === undefined) return;
    const { io, folder } = this.#records;
    for (const { files } of await holdersAt(io, folder, sessionId)) {
      await renewHeld(this.#context, files);
    }
  }

  /**
   * Every agent that names the session. Which of them is running in it now is unknown here, and for the others a
   * heartbeat only keeps claims made in this very session.
   */
  async #agentsOf({ id, presumedAgent }: LiveSession): Promise<readonly string[]> {
    const seen = this.#records === undefined ? [] : await agentsSeenIn(id, this.#records);
    const named = new Set([...this.#directory.agentsOf(id), ...seen]);
    if (named.size > 0) return [...named];
    return presumedAgent === undefined ? [] : [presumedAgent];
  }

  async #beat(agent: string, sessions: readonly LiveSession[]): Promise<void> {
    const { bucket, layout, host } = this.#context;
    const now = await bucket.now();
    const heartbeat = now.toISOString();
    const place = { bucket, layout, agent, capabilities: bucket.capabilities };
    const change = (known: LivingAgentDocument | undefined): object => {
      const shown = sessions.find(({ id }) => id === known?.session_id) ?? sessions[0];
      return {
        ...(known === undefined ? newAgent(agent, host, heartbeat) : {}),
        status: 'active',
        heartbeat,
        host,
        // A live session: this document's own time is the heartbeat of the session it names.
        session_id: shown?.id ?? null,
        ...(shown === undefined ? {} : { harness: shown.harness }),
        sessions: sessions.reduce(
          (before: Readonly<Record<string, string>>, { id }) => sessionsAfter(before, id, now),
          known?.sessions ?? {},
        ),
      };
    };
    const { isNew, version } = await changeAgent(place, change, this.#written.get(agent));
    this.#written.set(agent, version);
    if (!isNew) return;
    const data = { ref: { key: layout.agent(agent), id: agent } };
    await writeEvent({ ...this.#context, agent }, { type: 'agent.registered', data });
  }
}
