import { randomBytes } from 'node:crypto';
import type { Stamp } from '../protocol/keys.js';
import type { CoordinationContext } from './context.js';

/** The time of the last stamp of this process, so that what it writes within one millisecond keeps its order. */
let lastNs = 0n;

export interface StampedMoment {
  readonly stamp: Stamp;
  /** The same moment, ISO 8601 UTC. */
  readonly at: string;
}

/** A new unique stamp at the store's time. A process's stamps rise unless the store's clock is set back. */
export async function newStamp({
  bucket,
  agent,
}: Pick<CoordinationContext, 'bucket' | 'agent'>): Promise<StampedMoment> {
  const now = await bucket.now();
  const nowNs = BigInt(now.getTime()) * 1_000_000n;
  const isSameMoment = lastNs >= nowNs && lastNs - nowNs < 1_000_000n;
  lastNs = isSameMoment ? lastNs + 1n : nowNs;
  return { stamp: { timeNs: lastNs, agent, id: newId() }, at: now.toISOString() };
}

/** 8 random hex digits. */
export function newId(): string {
  return randomBytes(4).toString('hex');
}

/** 32 random hex digits: tells a document from every other that says the same. */
export function newNonce(): string {
  return randomBytes(16).toString('hex');
}
