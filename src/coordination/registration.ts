import type { Bucket, Capabilities } from '../bucket/bucket.js';
import { LostError } from '../errors.js';
import {
  type AgentDocument,
  agentSchema,
  encodeDocument,
  parseDocument,
} from '../protocol/documents.js';
import type { Layout } from '../protocol/keys.js';
import { writeEvent } from './events.js';

export interface Registration {
  readonly agent: string;
  readonly host: string;
  /** What the store arbitrates. One that arbitrates nothing takes plain writes: two registrations of an agent say the same. */
  readonly capabilities: Capabilities;
}

const attempts = 5;

/**
 * Makes `agents/<agent>.json`, or refreshes its heartbeat when the agent is known already: whatever else that document says
 * stays. Then the event `agent.registered`. Times are the store's.
 */
export async function registerAgent(
  bucket: Bucket,
  layout: Layout,
  registration: Registration,
): Promise<{ readonly isNew: boolean }> {
  const at = await bucket.now();
  const isNew = await writeAgent(bucket, layout, registration, at);
  const { agent } = registration;
  const data = { ref: { key: layout.agent(agent), id: agent } };
  await writeEvent({ bucket, layout, agent }, { type: 'agent.registered', data });
  return { isNew };
}

async function writeAgent(
  bucket: Bucket,
  layout: Layout,
  { agent, host, capabilities }: Registration,
  at: Date,
): Promise<boolean> {
  const key = layout.agent(agent);
  const heartbeat = at.toISOString();
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const stored = await bucket.get(key);
    const known = stored === undefined ? undefined : allFields(key, stored.body);
    const fresh: AgentDocument = {
      id: agent,
      status: 'active',
      step: null,
      started_at: heartbeat,
      heartbeat,
      summary: null,
      host,
    };
    const body = encodeDocument(
      known === undefined ? fresh : { ...known, status: 'active', heartbeat, host },
    );
    if (stored === undefined) {
      if (await isCreated(bucket, capabilities, key, body)) return true;
    } else if (await isReplaced(bucket, capabilities, key, body, stored.etag)) return false;
  }
  throw new LostError(`agent ${agent} is being registered elsewhere: ${key} keeps changing`, {
    hint: 'Try again in a moment.',
  });
}

/** Fields that this version does not know are kept, so the schema only checks. */
function allFields(key: string, body: Buffer): object {
  parseDocument(agentSchema, key, body);
  return Object(JSON.parse(body.toString('utf8')));
}

async function isCreated(
  bucket: Bucket,
  { putIfAbsent }: Capabilities,
  key: string,
  body: Buffer,
): Promise<boolean> {
  if (putIfAbsent) return (await bucket.putIfAbsent(key, body)).written;
  await bucket.put(key, body);
  return true;
}

async function isReplaced(
  bucket: Bucket,
  { putIfMatch }: Capabilities,
  key: string,
  body: Buffer,
  etag: string,
): Promise<boolean> {
  if (putIfMatch) return (await bucket.putIfMatch(key, body, etag)).written;
  await bucket.put(key, body);
  return true;
}
