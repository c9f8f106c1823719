import { parseStampName } from '../protocol/keys.js';
import type { CoordinationContext } from './context.js';

export interface SentMail {
  readonly to: string;
  readonly id: string;
  /** ISO 8601, by the store's clock: it was sent no earlier. */
  readonly since: string | null;
}

/** Some seconds of play: the clock that `since` was read from and that of the key were learnt from different answers. */
const playMs = 10_000;

/** Whether a message with this id lies in the mailbox. */
export async function isSent(
  { bucket, layout }: Pick<CoordinationContext, 'bucket' | 'layout'>,
  { to, id, since }: SentMail,
): Promise<boolean> {
  const folder = layout.messages(to);
  const sinceMs = Math.max(0, Date.parse(since ?? '') - playMs);
  const fromNs = Number.isNaN(sinceMs) ? 0n : BigInt(Math.trunc(sinceMs)) * 1_000_000n;
  const after = `${folder}${String(fromNs).padStart(19, '0')}`;
  for await (const entry of bucket.list(folder, { after })) {
    const leaf = entry.kind === 'object' ? entry.key.slice(folder.length) : '';
    if (parseStampName(leaf)?.id === id) return true;
  }
  return false;
}
