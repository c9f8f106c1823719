import type { Bucket, Capabilities } from '../../bucket/bucket.js';
import type { LivingAgentDocument } from '../../protocol/coordination.js';
import type { AgentDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { writeEvent } from '../events.js';
import type { LastTimestamp } from '../last-timestamp.js';
import { changeAgent } from './document.js';

export interface Registration {
  readonly agent: string;
  readonly host: string;
  /**
   * What the store arbitrates. A store that arbitrates nothing gets plain writes: two registrations
   * of an agent are identical.
   */
  readonly capabilities: Capabilities;
  readonly stamps?: LastTimestamp;
}

/**
 * Creates `agents/<agent>.json`, or refreshes its heartbeat if the agent is known, leaving the rest of the document
 * alone. Then writes the event `agent.registered`. Times are the store's.
 */
export async function registerAgent(
  bucket: Bucket,
  layout: Layout,
  { agent, host, capabilities, stamps }: Registration,
): Promise<{ readonly isNew: boolean }> {
  const heartbeat = (await bucket.now()).toISOString();
  const { isNew } = await changeAgent({ bucket, layout, agent, capabilities }, (known) =>
    known === undefined
      ? newAgent(agent, host, heartbeat)
      : { status: 'active', heartbeat, host, ...withoutSession(known) },
  );
  const data = { ref: { key: layout.agent(agent), id: agent } };
  const context = { bucket, layout, agent, ...(stamps === undefined ? {} : { stamps }) };
  await writeEvent(context, { type: 'agent.registered', data });
  return { isNew };
}

/**
 * Registering is not a heartbeat of the session the document names: its last heartbeat moves to where the other
 * sessions' are, and the document's own time no longer counts for it.
 */
function withoutSession({ session_id, sessions, heartbeat }: LivingAgentDocument): object {
  if (session_id === null || heartbeat === null) return {};
  return { session_id: null, sessions: { [session_id]: heartbeat, ...sessions } };
}

export function newAgent(agent: string, host: string, heartbeat: string): AgentDocument {
  return {
    id: agent,
    status: 'active',
    step: null,
    started_at: heartbeat,
    heartbeat,
    summary: null,
    host,
  };
}
