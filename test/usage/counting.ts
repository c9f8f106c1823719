import { joinedUsage } from '../../src/conversation/usage-join.js';
import type { CountedStream, MetaUsage, Usage } from '../../src/protocol/usage.js';
import { addUsage, noUsage } from '../../src/protocol/usage.js';
import { decodeSlots } from '../../src/protocol/usage-slots.js';
import { usageReaderOf } from '../../watchers/usage.js';

export interface Rows {
  readonly harness: string;
  readonly session: string;
  readonly stream: string;
  readonly rows: readonly unknown[];
  /** Of the session that this one was forked from. */
  readonly parentRowIds?: ReadonlySet<string>;
}

/** Counted row by row; at each of `stops` the fold is put away as text and taken up again. */
export function counted({ harness, rows, ...place }: Rows, stops: readonly number[] = []) {
  const reader = usageReaderOf(harness);
  let fold = reader?.open(place);
  for (const [index, row] of rows.entries()) {
    if (stops.includes(index)) {
      fold = reader?.resume(place, JSON.parse(JSON.stringify(fold?.state())));
    }
    fold?.row(row);
  }
  if (fold === undefined) throw new Error(`no usage of ${harness}`);
  const stream: CountedStream = {
    name: place.stream,
    lines: rows.length,
    usage: fold.usage(),
    earlier: [],
  };
  return stream;
}

export function usageOf(...streams: readonly Rows[]): MetaUsage {
  return joinedUsage(streams.map((one) => counted(one)));
}

/** By day and model. */
export function byDay(slots: Readonly<Record<string, string>>): Record<string, Usage> {
  const days: Record<string, Usage> = {};
  for (const { startMs, model, usage } of decodeSlots(slots)) {
    const day = `${new Date(startMs).toISOString().slice(0, 10)} ${model}`;
    days[day] = addUsage(days[day] ?? noUsage, usage);
  }
  return days;
}
