import type { PageHeader } from '../page/data.js';
import type { Span } from './time-scale.js';

/** The span from the first to the last event, and all moments at which something happened. */
export function spanOf(
  { entries, streams, writtenMs }: PageHeader,
  isPlain: boolean,
): {
  readonly span: Span;
  readonly times: Float64Array;
} {
  // Without lanes, a registration does not stretch the axis.
  const registered = entries.names.indexOf('agent.registered');
  const told = isPlain
    ? entries.timeMs.filter((_, index) => entries.type[index] !== registered)
    : entries.timeMs;
  const samples = streams.map(({ sampleMs }) => sampleMs);
  const count = samples.reduce((sum, { length }) => sum + length, told.length);
  const times = new Float64Array(count);
  let at = 0;
  for (const list of [told, ...samples]) {
    times.set(list, at);
    at += list.length;
  }
  times.sort();
  const [first = writtenMs, last = writtenMs] = [times[0], times[times.length - 1]];
  const isMoment = first === last;
  return { span: { fromMs: first, toMs: isMoment ? last + 1_000 : last }, times };
}
