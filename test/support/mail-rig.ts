import type { Bucket, Entry, ListOptions } from '../../src/bucket/bucket.js';
import { compareKeys } from '../../src/bucket/key.js';
import type { CoordinationContext } from '../../src/coordination/context.js';
import { type NewInbox, readNewMail } from '../../src/coordination/mail/inbox.js';
import { encodeDocument } from '../../src/protocol/documents.js';
import { stampName } from '../../src/protocol/keys.js';
import { AgentsRig } from './agents-rig.js';

export interface Planted {
  readonly to: string | null;
  readonly message: string;
  /** Milliseconds that the stamp lies before the store's present time; less than 0: after it. */
  readonly agoMs?: number;
  readonly from?: string;
  readonly step?: string;
}

/** Agents who write to each other around one simulated store, whose listings begin where they are told to. */
export class MailRig extends AgentsRig {
  /** Where listings were asked to begin, in order; `undefined`: at the very beginning. */
  readonly listedAfter: (string | undefined)[] = [];
  #planted = 0;

  mailbox(agent: string, change: (bucket: Bucket) => Bucket = (bucket) => bucket) {
    const context = this.context(agent);
    const { bucket } = context;
    const list = (prefix: string, options: ListOptions = {}) => {
      this.listedAfter.push(options.after);
      return listed(bucket.list(prefix), prefix, options);
    };
    return { ...context, bucket: change({ ...bucket, list }) } satisfies CoordinationContext;
  }

  /** As a sender writes it whose clock, or whose way to the store, is not what it should be. */
  plant({ to, message, agoMs = 0, from = 'somebody', step }: Planted): string {
    this.#planted += 1;
    const id = this.#planted.toString(16).padStart(8, '0');
    const timeNs = BigInt(this.store.nowMs - agoMs) * 1_000_000n;
    const name = `${stampName({ timeNs, agent: from, id })}.json`;
    const key = `${to === null ? this.layout.broadcasts() : this.layout.messages(to)}${name}`;
    this.put(key, encodeDocument({ id, from, to, message, step }));
    return key;
  }

  put(key: string, body: string | Buffer): void {
    this.store.objects.set(key, {
      body: Buffer.from(body),
      modifiedAt: new Date(this.store.nowMs),
    });
  }
}

/** The texts of what is new, which then is new no more. */
export async function readOut(reader: CoordinationContext): Promise<readonly string[]> {
  const inbox = await readNewMail(reader);
  if (!(await inbox.remember())) throw new Error('the cursor was not saved');
  return texts(inbox);
}

export function texts({ mail }: Pick<NewInbox, 'mail'>): readonly string[] {
  return mail.map(({ message }) => message);
}

async function* listed(
  entries: AsyncIterable<Entry>,
  prefix: string,
  { after, delimiter }: ListOptions,
): AsyncIterable<Entry> {
  const groups = new Set<string>();
  for await (const entry of entries) {
    if (entry.kind === 'prefix' || (after !== undefined && compareKeys(entry.key, after) <= 0))
      continue;
    const slash = delimiter === undefined ? -1 : entry.key.indexOf(delimiter, prefix.length);
    if (slash === -1) {
      yield entry;
      continue;
    }
    const group = entry.key.slice(0, slash + 1);
    if (!groups.has(group)) yield { kind: 'prefix', prefix: group };
    groups.add(group);
  }
}
