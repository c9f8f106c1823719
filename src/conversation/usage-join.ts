import {
  addUsage,
  type CountedStream,
  type MetaUsage,
  type MeterReading,
  mapUsage,
  noUsage,
  promptLengthOf,
  type StreamUsage,
  type Usage,
  type UsageCall,
  type UsageSlot,
} from '../protocol/usage.js';
import { encodeSlots, fittedSlots, joinedSlots, sortedByKey } from '../protocol/usage-slots.js';

/** Slots take up this many bytes at most; beyond that the oldest are joined. */
const mostSlotBytes = 8_000;
/** How many models' own figures are kept. */
const mostReported = 20;

/**
 * What a session used: every call once, whichever streams, copies and generations repeat it, so that any machine and
 * any rebuild gets the same.
 */
export function joinedUsage(streams: readonly CountedStream[]): MetaUsage {
  const counted = streams.flatMap(({ usage, earlier }) => [
    usage,
    ...earlier.filter(({ isKeyless }) => !isKeyless),
  ]);
  const calls = distinctCalls(counted.flatMap((one) => one.calls)).filter(hasTokens);
  const own = calls.filter(({ isInherited }) => !isInherited);
  const metered = increases(counted.flatMap(({ readings }) => readings));
  const slots = slotsOf([...own, ...metered]);
  const inherited = slotsOf(calls.filter((one) => one.isInherited));
  const reported = reportedCosts([...own, ...metered], counted);
  return {
    v: 1,
    slots: encodeSlots(fittedSlots(slots, mostSlotBytes)),
    ...(inherited.length === 0
      ? {}
      : { inherited: encodeSlots(fittedSlots(inherited, mostSlotBytes / 4)) }),
    ...(reported.size === 0 ? {} : { reported: Object.fromEntries(reported) }),
    ...(counted.some(({ isUncertain }) => isUncertain) ? { uncertain: true } : {}),
    through: Object.fromEntries(
      sortedByKey(streams.map(({ name, lines }) => [name, lines] as const)),
    ),
  };
}

/** Some responses that failed have a row whose counters are all zero. */
function hasTokens({ usage: { calls: _calls, ...tokens } }: UsageCall): boolean {
  return Object.values(tokens).some((count) => count > 0);
}

/** Of one key: the highest counters, the earliest time, and inherited if any stream knows it to be. */
function distinctCalls(calls: readonly UsageCall[]): readonly UsageCall[] {
  const distinct = new Map<string, UsageCall>();
  for (const call of calls) {
    const known = distinct.get(call.key);
    distinct.set(call.key, known === undefined ? call : joinedCalls(known, call));
  }
  return [...distinct.values()];
}

function joinedCalls(left: UsageCall, right: UsageCall): UsageCall {
  const isLeftFirst =
    left.startMs === right.startMs ? left.model <= right.model : left.startMs < right.startMs;
  const { key, startMs, model } = isLeftFirst ? left : right;
  return {
    key,
    startMs,
    model,
    usage: mapUsage((counter) => Math.max(left.usage[counter], right.usage[counter])),
    usd: Math.max(left.usd, right.usd),
    isInherited: left.isInherited || right.isInherited,
  };
}

/** What counters that only grow grew by, from one reading to the next. */
function increases(readings: readonly MeterReading[]): readonly UsageCall[] {
  const highest = new Map<string, { readonly usage: Usage; readonly usd: number }>();
  return distinctReadings(readings).flatMap(({ meter, startMs, model, usage, usd }) => {
    const before = highest.get(meter) ?? { usage: noUsage, usd: 0 };
    const grown = mapUsage((counter) => Math.max(0, usage[counter] - before.usage[counter]));
    const paid = Math.max(0, usd - before.usd);
    highest.set(meter, { usage: addUsage(before.usage, grown), usd: before.usd + paid });
    if (Object.values(grown).every((count) => count === 0) && paid === 0) return [];
    const key = `${meter}@${startMs}`;
    return [{ key, startMs, model, usage: grown, usd: paid, isInherited: false }];
  });
}

/** By meter and time: the highest that any stream saw. */
function distinctReadings(readings: readonly MeterReading[]): readonly MeterReading[] {
  const distinct = new Map<string, MeterReading>();
  for (const reading of readings) {
    const key = `${reading.startMs} ${reading.meter}`;
    const known = distinct.get(key) ?? reading;
    const usage = mapUsage((counter) => Math.max(known.usage[counter], reading.usage[counter]));
    distinct.set(key, { ...known, usage, usd: Math.max(known.usd, reading.usd) });
  }
  return [...distinct.values()].sort((left, right) => left.startMs - right.startMs);
}

function slotsOf(calls: readonly UsageCall[]): readonly UsageSlot[] {
  const slots = new Map<string, UsageSlot>();
  for (const { key: id, startMs, model, usage } of calls) {
    const longerThan = usage.calls === 1 ? promptLengthOf(usage) : 0;
    const shared = { startMs, span: 'quarter', model, longerThan } as const;
    const slot = { ...shared, usage, print: digest(id) };
    const key = `${startMs} ${longerThan} ${model}`;
    const known = slots.get(key);
    slots.set(key, known === undefined ? slot : joinedSlots(known, slot));
  }
  return [...slots.values()];
}

/** The harness's own figures: of the calls, else of the session so far. */
function reportedCosts(
  calls: readonly UsageCall[],
  streams: readonly StreamUsage[],
): ReadonlyMap<string, number> {
  const costs = new Map<string, number>();
  for (const { model, usd } of calls) if (usd > 0) costs.set(model, (costs.get(model) ?? 0) + usd);
  for (const { figures } of streams) {
    for (const [model, usd] of figures) {
      if (usd > 0) costs.set(model, Math.max(costs.get(model) ?? 0, usd));
    }
  }
  // Sums of fractions depend on their order in the last digits.
  const rounded = [...costs].map(([model, usd]) => [model, Number(usd.toPrecision(12))] as const);
  return new Map(sortedByKey(rounded).slice(0, mostReported));
}

/** 32 bits of an id. */
function digest(id: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0).toString(36);
}
