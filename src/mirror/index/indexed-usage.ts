import * as v from 'valibot';
import { decodeSlot, longestText, type MetaUsage, type UsageSlot } from '../../protocol/usage.js';

const longestSlotText = 2 * longestText + 1;

/** By hand, because reports read a hundred thousand of them. */
const slotsSchema = v.custom<readonly string[]>(
  (value) => Array.isArray(value) && value.every(isSlotText),
);

export function isSlotText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= longestSlotText;
}

/** What a line of the derived index has of a session's usage. Texts in a list parse several times as fast as names. */
export const indexedUsageSchema = v.object({
  /** As in `meta.json`, `<key>=<value>` each. */
  slots: v.optional(slotsSchema, []),
  /** How many lines of the main stream were counted. */
  lines: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** What the harness itself says the session cost, in USD. */
  reported: v.exactOptional(v.pipe(v.number(), v.minValue(0))),
  uncertain: v.exactOptional(v.literal(true)),
});
export type IndexedUsage = v.InferOutput<typeof indexedUsageSchema>;

export function indexedUsage(usage: MetaUsage | null): IndexedUsage | null {
  if (usage === null) return null;
  const { slots, through, reported = {}, uncertain } = usage;
  const costs = Object.values(reported);
  return {
    slots: slotTexts(slots),
    lines: through[''] ?? 0,
    ...(costs.length === 0 ? {} : { reported: costs.reduce((sum, usd) => sum + usd, 0) }),
    ...(uncertain === undefined ? {} : { uncertain }),
  };
}

export function slotTexts(slots: MetaUsage['slots']): readonly string[] {
  return Object.entries(slots).map(([key, value]) => `${key}=${value}`);
}

/** `undefined` for a text that is none. */
export function slotIn(text: string): UsageSlot | undefined {
  const end = text.lastIndexOf('=');
  return decodeSlot(text.slice(0, end), text.slice(end + 1));
}
