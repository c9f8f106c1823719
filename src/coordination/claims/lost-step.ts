import { LostError, NotFoundError } from '../../errors.js';
import type { ClaimDocument } from '../../protocol/coordination.js';
import type { ClaimOwnership } from './ownership.js';

export function unclaimed(step: string): NotFoundError {
  return new NotFoundError(`nobody has claimed step ${step}`, {
    hint: `Claim it first: "tracecraft claim ${step}".`,
  });
}

const endings = { complete: 'completed', blocked: 'blocked', needs_review: 'given to review' };

/**
 * A finished step stays finished: a different report is neither handed over nor accepted as if it
 * had been.
 */
export function alreadyCompleted(
  step: string,
  me: string,
  { agent, epoch, outcome }: ClaimDocument,
  differs: string | undefined,
): LostError {
  const how = endings[outcome?.state ?? 'complete'];
  const by = agent === me ? '' : ` by ${agent}`;
  const other = differs === undefined || differs === 'outcome' ? '' : `, with another ${differs}`;
  return new LostError(
    `step ${step} was ${how} already${by} (epoch ${epoch})${other}. Nothing was changed.`,
    { hint: `To take it up again: "tracecraft claim ${step} --reopen".` },
  );
}

export function notTheirs(
  step: string,
  me: string,
  { agent, epoch, state, outcome }: ClaimDocument,
  standing: ClaimOwnership,
): LostError {
  if (standing === 'fenced') {
    return new LostError(`fenced: step ${step} was taken over by ${agent} (epoch ${epoch})`, {
      hint: 'Nothing was changed. Check what the new holder is doing before you continue.',
    });
  }
  const isDone = state === 'done';
  const done = endings[outcome?.state ?? 'complete'];
  const how = isDone ? done : state === 'released' ? 'released' : undefined;
  if (standing === 'ended') {
    return new LostError(`step ${step} was ${how ?? 'ended'} already (epoch ${epoch})`, {
      hint: `Claim it again first: "tracecraft claim ${step}${isDone ? ' --reopen' : ''}".`,
    });
  }
  const whose = how === undefined ? `claimed by '${agent}'` : `${how} by ${agent}`;
  if (agent !== me) {
    return new LostError(`step ${step} is ${whose} (epoch ${epoch}), and you are ${me}`, {
      hint: `Wait with "tracecraft wait-for ${step}", or end it whoever holds it: --force.`,
    });
  }
  return new LostError(`step ${step} is ${whose} (epoch ${epoch}), not by this session`, {
    hint: `If you won it elsewhere: --epoch ${epoch}. To move it here: "tracecraft claim ${step} --mine".`,
  });
}
