import { inParallel } from '../../concurrency.js';
import { encodeDocument } from '../../protocol/documents.js';
import { contested } from './contested.js';
import { type ClaimPlace, isArbitrated, readClaim } from './document.js';
import type { HeldClaim, HolderFile, HolderFiles } from './holder-files.js';

/** Milliseconds: the longest pause between renewals. */
const longestPauseMs = 60_000;

/** Three renewals within a TTL, so that one may be late; at most one per minute. */
function renewEveryMs(ttlSeconds: number | null): number {
  return ttlSeconds === null ? longestPauseMs : Math.min(longestPauseMs, (ttlSeconds * 1000) / 3);
}

export type Renewal =
  | { readonly renewed: true; readonly file: HolderFile }
  /** `ended`: completed or released from here; `lost`: somebody else has it by now. */
  | { readonly renewed: false; readonly why: 'ended' | 'lost' };

const attempts = 3;

/**
 * Renews a claim by rewriting it with one more renewal, so that a takeover already decided on
 * fails. One request, unless somebody else has renewed it.
 */
export async function renewClaim(
  place: ClaimPlace,
  holders: HolderFiles,
  file: HolderFile,
): Promise<Renewal> {
  let known: HolderFile | 'ended' | 'lost' = file;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    // A store that arbitrates nothing is read right before each write.
    const mustLook = attempt > 0 || file.etag === undefined || !isArbitrated(place);
    if (mustLook) known = await present(place, file);
    if (typeof known === 'string') return { renewed: false, why: known };
    const claim: HeldClaim = { ...known.claim, renewals: known.claim.renewals + 1 };
    const sentAtMs = place.clock.now();
    const etag = await rewrite(place, known.step, claim, known.etag ?? '');
    if (etag === undefined) continue;
    const renewed = { ...known, claim, etag, sentAtMs };
    await holders.keep(renewed);
    return { renewed: true, file: renewed };
  }
  throw contested(file.step, place.layout.claim(file.step));
}

/** The store's current version of this claim. */
async function present(
  place: ClaimPlace,
  file: HolderFile,
): Promise<HolderFile | 'ended' | 'lost'> {
  const read = await readClaim(place, file.step);
  const { nonce } = file.claim;
  if (read?.document.nonce !== nonce) return 'lost';
  if (read.document.state !== 'held') return 'ended';
  return { ...file, claim: { ...read.document, nonce }, etag: read.etag };
}

/** The ETag; `undefined` if the write was refused. */
async function rewrite(
  place: ClaimPlace,
  step: string,
  claim: HeldClaim,
  etag: string,
): Promise<string | undefined> {
  const key = place.layout.claim(step);
  const body = encodeDocument(claim);
  if (!isArbitrated(place)) return (await place.bucket.put(key, body)).etag;
  const outcome = await place.bucket.putIfMatch(key, body, etag);
  return outcome.written ? outcome.etag : undefined;
}

/**
 * Whether the last renewal is long enough ago, by this machine's clock, which may have been set
 * back since.
 */
function isRenewalDue({ claim, sentAtMs }: HolderFile, nowMs: number): boolean {
  if (claim.ttl_s === null) return false;
  return nowMs < sentAtMs || nowMs - sentAtMs >= renewEveryMs(claim.ttl_s);
}

/**
 * Renews the claims of this place that are due, or with `isForced` all of them. Returns those that
 * turned out to be lost.
 */
export async function renewHeld(
  place: ClaimPlace,
  holders: HolderFiles,
  { isForced = false }: { readonly isForced?: boolean } = {},
): Promise<readonly HolderFile[]> {
  const nowMs = place.clock.now();
  const all = (await holders.all()).filter(({ isOver }) => isOver !== true);
  const due = all.filter((file) => isForced || isRenewalDue(file, nowMs));
  const lost = await inParallel(due, async (file) => {
    const renewal = await renewClaim(place, holders, file);
    if (renewal.renewed) return undefined;
    await holders.keep({ ...file, isOver: true });
    return renewal.why === 'lost' ? file : undefined;
  });
  return lost.filter((file) => file !== undefined);
}
