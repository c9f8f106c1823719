import {
  addUsage,
  decodeSlot,
  encodeSlot,
  type MetaUsage,
  RunningUsage,
  type SlotSpan,
  slotStart,
  slotTime,
  type Usage,
  type UsageSlot,
} from './usage.js';

const mostModels = 20;
const otherModels = 'other models';

/** Joins slots into stretches of this length. */
function coarserSlots(slots: readonly UsageSlot[], span: SlotSpan): readonly UsageSlot[] {
  const joined = new Map<string, UsageSlot>();
  for (const slot of slots) {
    const time = slotTime(slot.startMs, span);
    const startMs = slotStart(time);
    const key = `${time} ${slot.longerThan} ${slot.model}`;
    const known = joined.get(key);
    joined.set(key, known === undefined ? { ...slot, startMs, span } : joinedSlots(known, slot));
  }
  return [...joined.values()];
}

export function joinedSlots(left: UsageSlot, right: UsageSlot): UsageSlot {
  const print = joinedPrints(left.print, right.print);
  return { ...left, usage: addUsage(left.usage, right.usage), print };
}

function joinedPrints(left: string, right: string): string {
  const [one, other] = [left, right].map((print) => Number.parseInt(print, 36) || 0);
  return (((one ?? 0) ^ (other ?? 0)) >>> 0).toString(36);
}

/** Fewer slots, if they would take up more: the oldest become hours, then days, then months. */
export function fittedSlots(slots: readonly UsageSlot[], bytes: number): readonly UsageSlot[] {
  let fewer = ordered(slots);
  for (const [from, to] of [
    ['quarter', 'hour'],
    ['hour', 'day'],
    ['day', 'month'],
  ] as const) {
    fewer = joinedOldest(fewer, bytes, from, to);
  }
  return bytesOf(fewer) <= bytes ? fewer : withFewModels(fewer);
}

/** A transcript may name any number of models; those with the fewest calls are counted together. */
function withFewModels(slots: readonly UsageSlot[]): readonly UsageSlot[] {
  const calls = new Map<string, number>();
  for (const { model, usage } of slots) calls.set(model, (calls.get(model) ?? 0) + usage.calls);
  const ranked = [...calls].sort(
    ([left, leftCalls], [right, rightCalls]) => rightCalls - leftCalls || (left < right ? -1 : 1),
  );
  const kept = new Set(ranked.slice(0, mostModels).map(([model]) => model));
  return slots.map((slot) => (kept.has(slot.model) ? slot : { ...slot, model: otherModels }));
}

/** Joins the oldest slots of a kind, no more of them than necessary. */
function joinedOldest(
  slots: readonly UsageSlot[],
  bytes: number,
  from: SlotSpan,
  to: SlotSpan,
): readonly UsageSlot[] {
  const fine = slots.filter(({ span }) => span === from);
  const others = slots.filter(({ span }) => span !== from);
  const joined = (count: number): readonly UsageSlot[] =>
    ordered([...others, ...coarserSlots(fine.slice(0, count), to), ...fine.slice(count)]);
  let [few, most] = [0, fine.length];
  if (bytesOf(slots) <= bytes) return slots;
  while (few < most) {
    const half = Math.floor((few + most) / 2);
    if (bytesOf(joined(half)) <= bytes) most = half;
    else few = half + 1;
  }
  return joined(few);
}

function ordered(slots: readonly UsageSlot[]): readonly UsageSlot[] {
  return [...slots].sort(
    (left, right) =>
      left.startMs - right.startMs ||
      left.longerThan - right.longerThan ||
      (left.model < right.model ? -1 : 1),
  );
}

/** As indented in `meta.json`. */
function bytesOf(slots: readonly UsageSlot[]): number {
  return slots.reduce((sum, slot) => {
    const [key, value] = encodeSlot(slot);
    return sum + JSON.stringify(key).length + value.length + 12;
  }, 0);
}

export function encodeSlots(slots: readonly UsageSlot[]): Record<string, string> {
  const joined = new Map<string, UsageSlot>();
  for (const slot of slots) {
    const [key] = encodeSlot(slot);
    const known = joined.get(key);
    joined.set(key, known === undefined ? slot : joinedSlots(known, slot));
  }
  return Object.fromEntries(sortedByKey([...joined.values()].map(encodeSlot)));
}

export function sortedByKey<Value>(
  entries: readonly (readonly [string, Value])[],
): [string, Value][] {
  return [...entries]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => [key, value]);
}

/** The same in fewer bytes, at least this many if possible; `undefined` if it cannot be any shorter. */
export function shorterUsage(usage: MetaUsage | null, bytes: number): MetaUsage | undefined {
  if (usage === null) return undefined;
  const through = Object.entries(usage.through).filter(([name]) => name === '');
  if (through.length < Object.keys(usage.through).length) {
    return { ...usage, through: Object.fromEntries(through) };
  }
  const slots = decodeSlots(usage.slots);
  const fewer = fittedSlots(slots, Math.max(0, bytesOf(slots) - bytes));
  return fewer.length === slots.length ? undefined : { ...usage, slots: encodeSlots(fewer) };
}

/** Those that can be read. */
export function decodeSlots(slots: Readonly<Record<string, string>>): readonly UsageSlot[] {
  return Object.entries(slots).flatMap(([key, value]) => decodeSlot(key, value) ?? []);
}

/** What a session used in all; `undefined` if nothing is known. */
export function totalUsage(usage: MetaUsage | null | undefined): Usage | undefined {
  const slots = decodeSlots(usage?.slots ?? {});
  if (slots.length === 0) return undefined;
  const total = new RunningUsage();
  for (const slot of slots) total.add(slot.usage);
  return total.total();
}
