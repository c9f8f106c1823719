/**
 * Ids, signatures and whole copies of files: nobody searches for them, and they would drown out the
 * rest.
 */
const skipped =
  /^(?:u?uid|id|.*(?:Id|_id|Uuid|_uuid|UUID)|signature|encrypted_content|originalFile)$/;
const base64 = /^(?:data:[^,]{0,100},)?[A-Za-z0-9+/_-]{400,}={0,2}$/;
/** Deeper than any real row, and shallow enough for any stack. */
const deepest = 64;

/**
 * Every string in a value, one per line, for kinds of rows no reader knows. JSON inside strings is
 * parsed.
 */
export function leafText(value: unknown): string {
  const found = new Set<string>();
  collect(value, 0, found);
  return [...found].join('\n');
}

function collect(value: unknown, depth: number, found: Set<string>): void {
  if (depth > deepest) return;
  if (typeof value === 'string') collectText(value, depth, found);
  else if (Array.isArray(value)) {
    for (const one of value) collect(one, depth + 1, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, one] of Object.entries(value)) {
      if (!skipped.test(name)) collect(one, depth + 1, found);
    }
  }
}

function collectText(text: string, depth: number, found: Set<string>): void {
  if (!/\S/.test(text) || base64.test(text)) return;
  const inside = /^\s*[[{]/.test(text) ? parsed(text) : undefined;
  if (inside === undefined) found.add(text);
  else collect(inside, depth + 1, found);
}

/** An object or array; `undefined` for anything else. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
