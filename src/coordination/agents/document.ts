import type { Bucket, Capabilities, Conditional, Stored } from '../../bucket/bucket.js';
import { LostError } from '../../errors.js';
import { type LivingAgentDocument, livingAgentSchema } from '../../protocol/coordination.js';
import { encodeDocument, parseDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { getBounded } from '../claims/document.js';

export interface AgentPlace {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly agent: string;
  /** What the store arbitrates. One that arbitrates nothing takes plain writes. */
  readonly capabilities: Capabilities;
}

/** The document as it was written last, for whoever writes it again and again. */
export type AgentVersion = Pick<Stored, 'body' | 'etag'>;

export interface ChangedAgent {
  readonly isNew: boolean;
  readonly version: AgentVersion;
}

const attempts = 8;

/**
 * Makes `agents/<agent>.json` or changes it; what the change does not name stays, fields that this version does not know
 * included. From `remembered` nothing has to be read, where the store arbitrates and nobody else has written meanwhile.
 * `LostError` when it keeps changing.
 */
export async function changeAgent(
  { bucket, layout, agent, capabilities }: AgentPlace,
  change: (known: LivingAgentDocument | undefined) => object,
  remembered?: AgentVersion,
): Promise<ChangedAgent> {
  const key = layout.agent(agent);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const first = attempt === 0 && capabilities.putIfMatch ? remembered : undefined;
    const stored = first ?? (await getBounded(bucket, key));
    if (stored === undefined) {
      const body = encodeDocument(change(undefined));
      const created = await create(bucket, capabilities, key, body);
      if (created.written) return { isNew: true, version: { body, etag: created.etag } };
      continue;
    }
    const known = parseDocument(livingAgentSchema, key, stored.body);
    const everything: object = Object(JSON.parse(stored.body.toString('utf8')));
    const body = encodeDocument({ ...everything, ...change(known) });
    const replaced = await replace(bucket, capabilities, key, body, stored.etag);
    if (replaced.written) return { isNew: false, version: { body, etag: replaced.etag } };
  }
  throw new LostError(`agent ${agent} is being registered elsewhere: ${key} keeps changing`, {
    hint: 'Try again in a moment.',
  });
}

async function create(
  bucket: Bucket,
  { putIfAbsent }: Capabilities,
  key: string,
  body: Buffer,
): Promise<Conditional> {
  if (putIfAbsent) return bucket.putIfAbsent(key, body);
  return { written: true, ...(await bucket.put(key, body)) };
}

async function replace(
  bucket: Bucket,
  { putIfMatch }: Capabilities,
  key: string,
  body: Buffer,
  etag: string,
): Promise<Conditional> {
  if (putIfMatch) return bucket.putIfMatch(key, body, etag);
  return { written: true, ...(await bucket.put(key, body)) };
}
