/** How many of each redaction kind, e.g. `{ "github-token": 2 }`. */
export type Counts = Readonly<Record<string, number>>;

export function addCounts(left: Counts, right: Counts): Counts {
  const sum: Record<string, number> = { ...left };
  for (const [kind, count] of Object.entries(right)) sum[kind] = (sum[kind] ?? 0) + count;
  return sum;
}

/** `github-token:2,jwt:1`, or `none`. */
export function countsText(counts: Counts): string {
  const entries = Object.entries(counts).sort(([left], [right]) => (left < right ? -1 : 1));
  return entries.length === 0 ? 'none' : entries.map(([kind, n]) => `${kind}:${n}`).join(',');
}
