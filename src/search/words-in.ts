/** Deeper than any document that is ours. */
const deepest = 200;

/** All names, texts, numbers and other values in a JSON value, one per line. */
export function wordsIn(value: unknown): string {
  const found = new Set<string>();
  collect(value, 0, found);
  return [...found].join('\n');
}

function collect(value: unknown, depth: number, found: Set<string>): void {
  if (value === null || value === undefined || depth > deepest) return;
  if (Array.isArray(value)) {
    for (const one of value) collect(one, depth + 1, found);
  } else if (typeof value === 'object') {
    for (const [name, one] of Object.entries(value)) {
      found.add(name);
      collect(one, depth + 1, found);
    }
  } else found.add(String(value));
}
