import type { Bucket, Capabilities, Stored } from '../../bucket/bucket.js';
import { writeOver } from '../../bucket/write-over.js';
import { LostError, UsageError } from '../../errors.js';
import { type LivingAgentDocument, livingAgentSchema } from '../../protocol/coordination.js';
import { encodeReadable, parseDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { getBounded } from '../claims/document.js';

export interface AgentPlace {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly agent: string;
  /** What the store arbitrates. A store that arbitrates nothing gets plain writes. */
  readonly capabilities: Capabilities;
}

/** The document as last written, for repeated writers. */
export type AgentVersion = Pick<Stored, 'body' | 'etag'>;

export interface ChangedAgent {
  readonly isNew: boolean;
  readonly version: AgentVersion;
}

const attempts = 8;

/**
 * Creates or updates `agents/<agent>.json`; everything the change does not name stays, including unknown fields.
 * Given `remembered`, it reads nothing if the store arbitrates and nobody else has written meanwhile. `LostError` if
 * the document keeps changing.
 */
export async function changeAgent(
  { bucket, layout, agent, capabilities }: AgentPlace,
  change: (known: LivingAgentDocument | undefined) => object,
  remembered?: AgentVersion,
): Promise<ChangedAgent> {
  const key = layout.agent(agent);
  const arbiter = { ...bucket, capabilities };
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const first = attempt === 0 && capabilities.putIfMatch ? remembered : undefined;
    const stored = first ?? (await getBounded(bucket, key));
    if (stored === undefined) {
      await refuseOtherSpelling({ bucket, layout, agent });
      const body = encodeReadable(livingAgentSchema, change(undefined));
      const created = await writeOver(arbiter, key, body, undefined);
      if (!created.written) continue;
      await yieldToOtherSpelling({ bucket, layout, agent });
      return { isNew: true, version: { body, etag: created.etag } };
    }
    const known = parseDocument(livingAgentSchema, key, stored.body);
    if (isOtherSpelling(known.id, agent)) throw taken(agent, known.id);
    const everything: object = Object(JSON.parse(stored.body.toString('utf8')));
    const body = encodeReadable(livingAgentSchema, { ...everything, ...change(known) });
    const replaced = await writeOver(arbiter, key, body, stored.etag);
    if (replaced.written) return { isNew: false, version: { body, etag: replaced.etag } };
  }
  throw new LostError(`agent ${agent} is being registered elsewhere: ${key} keeps changing`, {
    hint: 'Try again in a moment.',
  });
}

type Named = Pick<AgentPlace, 'bucket' | 'layout' | 'agent'>;

/** Two common file systems treat names that differ only in case as one file, so no store may have both. */
export async function refuseOtherSpelling(named: Named): Promise<void> {
  const other = await otherSpelling(named);
  if (other !== undefined) throw taken(named.agent, other);
}

/** If two spellings register at the same time, both may give up; both must never stay. */
async function yieldToOtherSpelling(named: Named): Promise<void> {
  const other = await otherSpelling(named);
  if (other === undefined) return;
  await named.bucket.delete(named.layout.agent(named.agent));
  throw taken(named.agent, other);
}

async function otherSpelling({ bucket, layout, agent }: Named): Promise<string | undefined> {
  const folder = layout.agents();
  for await (const entry of bucket.list(folder, { delimiter: '/' })) {
    if (entry.kind !== 'object' || !entry.key.endsWith('.json')) continue;
    const name = entry.key.slice(folder.length, -'.json'.length);
    if (isOtherSpelling(name, agent)) return name;
  }
  return undefined;
}

function isOtherSpelling(name: string, agent: string): boolean {
  return name !== agent && name.toLowerCase() === agent.toLowerCase();
}

function taken(agent: string, known: string): UsageError {
  return new UsageError(
    `no agent can be called ${agent}: there is ${known}, the same but for case`,
    {
      hint: `Act as ${known} (agent_id in the config, or TRACECRAFT_AGENT), or choose another name.`,
    },
  );
}
