import { LostError } from '../../errors.js';
import { stepId } from '../../protocol/names.js';
import type { CoordinationContext } from '../context.js';
import { readClaim } from './document.js';
import type { EndRequest } from './finish-claim.js';
import type { HolderFiles } from './holder-files.js';
import { notTheirs } from './lost-step.js';
import { ownershipOf } from './ownership.js';

/**
 * `LostError` if the agent had the step and lost it: what it adds now would be mistaken for the new
 * holder's work.
 */
export async function refuseFenced(
  context: CoordinationContext,
  holders: HolderFiles,
  { step: name, epoch }: Pick<EndRequest, 'step' | 'epoch'>,
): Promise<void> {
  const step = stepId(name);
  const files = await holders.of(step);
  if (files.length === 0 && epoch === undefined) return;
  const present = await readClaim(context, step);
  if (present === undefined) return;
  const claim = present.document;
  const nonces = new Set(files.map((file) => file.claim.nonce));
  const standing = ownershipOf(claim, { agent: context.agent, nonces, epoch });
  if (standing === 'fenced') throw notTheirs(step, context.agent, claim, standing);
}

/**
 * Only the holder of a step may replace its artifacts, and nobody may once it is done: `LostError` for everyone else. New names
 * are open to all.
 */
export async function refuseReplacing(
  context: CoordinationContext,
  holders: HolderFiles,
  { step: name, epoch }: Pick<EndRequest, 'step' | 'epoch'>,
): Promise<void> {
  const step = stepId(name);
  const [present, files] = await Promise.all([readClaim(context, step), holders.of(step)]);
  if (present === undefined || present.document.state === 'released') return;
  const claim = present.document;
  const nonces = new Set(files.map((file) => file.claim.nonce));
  const standing = ownershipOf(claim, { agent: context.agent, nonces, epoch });
  if (standing === 'holder') return;
  const why =
    claim.state === 'done'
      ? `step ${step} is done: its artifacts stay as they were handed over`
      : `step ${step} is claimed by '${claim.agent}': only its holder replaces its artifacts`;
  throw new LostError(`${why}. Nothing was changed.`, {
    hint: 'Upload it under another --name, or replace it anyway with --force.',
  });
}
