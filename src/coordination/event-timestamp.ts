import { randomBytes } from 'node:crypto';
import type { Stamp } from '../protocol/keys.js';
import type { CoordinationContext } from './context.js';

/** The time of this process's last timestamp, by where the machine records it. */
const lastOf = new WeakMap<object, bigint>();
const unrecorded = {};

/** How far two processes' views of the store's time may differ: stores report whole seconds. */
const differenceNs = 1_500_000_000n;

export interface StampedMoment {
  readonly stamp: Stamp;
  /** The same moment, ISO 8601 UTC. */
  readonly at: string;
}

/** A new unique timestamp at the store's time. A machine's timestamps increase unless the store's clock is set back. */
export async function newStamp({
  bucket,
  agent,
  stamps,
}: Pick<CoordinationContext, 'bucket' | 'agent' | 'stamps'>): Promise<StampedMoment> {
  const [now, recorded = 0n] = await Promise.all([bucket.now(), stamps?.last()]);
  const nowNs = BigInt(now.getTime()) * 1_000_000n;
  const place = stamps ?? unrecorded;
  const lastNs = lastOf.get(place) ?? 0n;
  const before = recorded > lastNs ? recorded : lastNs;
  const isBehind = before >= nowNs && before - nowNs < differenceNs;
  const timeNs = isBehind ? before + 1n : nowNs;
  lastOf.set(place, timeNs);
  await stamps?.remember(timeNs);
  const at = new Date(Number(timeNs / 1_000_000n)).toISOString();
  return { stamp: { timeNs, agent, id: newId() }, at };
}

/**
 * Like `newStamp`, for a time that is stored in whole milliseconds and from which its events take
 * their keys: later than this machine's previous timestamp and earlier than its next one.
 */
export async function newMoment(
  context: Pick<CoordinationContext, 'bucket' | 'agent' | 'stamps'>,
): Promise<string> {
  const { stamp } = await newStamp(context);
  const ms = (stamp.timeNs + 999_999n) / 1_000_000n;
  const lastNs = ms * 1_000_000n + followUpsNs;
  lastOf.set(context.stamps ?? unrecorded, lastNs);
  await context.stamps?.remember(lastNs);
  return new Date(Number(ms)).toISOString();
}

/** How many keys can take their time from one such moment. */
const followUpsNs = 10n;

/** 8 random hex digits. */
export function newId(): string {
  return randomBytes(4).toString('hex');
}

/** 32 random hex digits, unique to a document. */
export function newNonce(): string {
  return randomBytes(16).toString('hex');
}
