import type { Bucket, Capabilities } from '../bucket/bucket.js';
import { LostError } from '../errors.js';
import { type LivingAgentDocument, livingAgentSchema } from '../protocol/coordination.js';
import { encodeDocument, parseDocument } from '../protocol/documents.js';
import type { Layout } from '../protocol/keys.js';
import { getBounded } from './claim-document.js';

export interface AgentPlace {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly agent: string;
  /** What the store arbitrates. One that arbitrates nothing takes plain writes. */
  readonly capabilities: Capabilities;
}

const attempts = 8;

/**
 * Makes `agents/<agent>.json` or changes it; what the change does not name stays, fields that this version does not know
 * included. `LostError` when it keeps changing meanwhile.
 */
export async function changeAgent(
  { bucket, layout, agent, capabilities }: AgentPlace,
  change: (known: LivingAgentDocument | undefined) => object,
): Promise<{ readonly isNew: boolean }> {
  const key = layout.agent(agent);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const stored = await getBounded(bucket, key);
    if (stored === undefined) {
      const body = encodeDocument(change(undefined));
      if (await isCreated(bucket, capabilities, key, body)) return { isNew: true };
      continue;
    }
    const known = parseDocument(livingAgentSchema, key, stored.body);
    const everything: object = Object(JSON.parse(stored.body.toString('utf8')));
    const body = encodeDocument({ ...everything, ...change(known) });
    if (await isReplaced(bucket, capabilities, key, body, stored.etag)) return { isNew: false };
  }
  throw new LostError(`agent ${agent} is being registered elsewhere: ${key} keeps changing`, {
    hint: 'Try again in a moment.',
  });
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
