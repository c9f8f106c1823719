import type { Memory } from '../coordination/memory/read.js';

const longest = 80;

/** A string as it is, anything else as readable JSON. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

/** A value in a column: one line, and short. */
export function shortValue({ value, deleted }: Memory): string {
  if (deleted) return '(deleted)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

/** `version 3 by designer`, as far as known. */
export function versionText({ version, set_by }: Memory): string {
  return `version ${version}${set_by === null ? '' : ` by ${set_by}`}`;
}

export function memoryRecord({ key, value, version, set_by, set_at }: Memory): object {
  return { key, value, version, set_by, set_at };
}
