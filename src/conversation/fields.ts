/** A value of unknown shape, read field by field. */
export type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** `undefined` for blank text: some harnesses write answers of nothing but line breaks. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && /\S/.test(value) ? value : undefined;
}

/** An id or a name: any non-empty string. */
export function word(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** An ISO date and time as milliseconds since the epoch. */
export function isoMs(value: unknown): number | undefined {
  const ms = typeof value === 'string' && value.length <= 64 ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

const beginsLikeJson = /^\s*(?:[[{"\d-]|true|false|null)/;

/** The parsed value of a JSON text; the text itself if it is not JSON. */
export function opened(value: unknown): unknown {
  // Not to try what cannot be JSON: a thrown error costs more than reading the row.
  if (typeof value !== 'string' || !beginsLikeJson.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

export function json(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // Too deeply nested to print.
    return '';
  }
}
