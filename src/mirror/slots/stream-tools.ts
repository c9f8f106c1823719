import { Contest } from './contest.js';
import { Observations } from './observations.js';
import { PartSender } from './part-sender.js';
import { EarlierGenerations } from './stream-usage.js';
import type { StreamMirrorContext } from './upload.js';

/** What the mirror of one stream works with while there is something to do for it. */
export interface StreamTools {
  readonly context: StreamMirrorContext;
  readonly sender: PartSender;
  readonly observations: Observations;
  readonly contest: Contest;
  readonly generations: EarlierGenerations;
}

export function toolsFor(context: StreamMirrorContext): StreamTools {
  return {
    context,
    sender: new PartSender(context),
    observations: new Observations(context.outline),
    contest: new Contest(),
    generations: new EarlierGenerations(),
  };
}
