import type { MetaDocument } from '../../protocol/documents.js';
import type { MetaUsage } from '../../protocol/usage.js';

/**
 * A line as `encodeLines` writes it, checked by hand because the schema takes most of the time of a list of thousands.
 * `undefined` for any other line, which the schema then judges.
 */
export function plainLine(value: unknown): MetaDocument | undefined {
  if (!isObject(value)) return undefined;
  const fields = new PlainFields(value);
  const document: MetaDocument = {
    schema_version: fields.count('schema_version'),
    harness: fields.text('harness') ?? fields.missing(),
    session_id: fields.text('session_id') ?? fields.missing(),
    agent_id: fields.text('agent_id'),
    host: fields.text('host'),
    source_path: fields.text('source_path'),
    cwd: fields.text('cwd'),
    title: fields.text('title'),
    name: fields.text('name'),
    last_prompt: fields.text('last_prompt'),
    model: fields.text('model'),
    git_branch: fields.text('git_branch'),
    harness_version: fields.text('harness_version'),
    parent_session_id: fields.text('parent_session_id'),
    started_at: fields.time('started_at'),
    last_row_at: fields.time('last_row_at'),
    last_uploaded_at: fields.time('last_uploaded_at'),
    ended_at: fields.time('ended_at'),
    prompts: fields.count('prompts'),
    turns: fields.count('turns'),
    turn_starts: fields.counts('turn_starts'),
    generation: fields.count('generation', 999_999_999),
    part_count: fields.count('part_count'),
    total_lines: fields.count('total_lines'),
    total_source_bytes: fields.count('total_source_bytes'),
    total_uploaded_bytes: fields.count('total_uploaded_bytes'),
    redaction_counts: fields.countsByName('redaction_counts'),
    redactor_version: fields.text('redactor_version'),
    parts: fields.empty('parts'),
    streams: fields.empty('streams'),
    streams_omitted: fields.count('streams_omitted'),
    heads: fields.empty('heads'),
    usage: fields.usage('usage'),
  };
  return fields.isPlain && document.schema_version === 2 ? document : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

class PlainFields {
  isPlain = true;
  readonly #fields: Fields;

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  text(name: string, longest = 100_000): string | null {
    const value = this.#fields[name] ?? null;
    if (value === null || (typeof value === 'string' && value.length <= longest)) return value;
    this.isPlain = false;
    return null;
  }

  time(name: string): string | null {
    return this.text(name, 64);
  }

  count(name: string, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.#fields[name];
    if (value === undefined) return 0;
    if (isCount(value) && value <= most) return value;
    this.isPlain = false;
    return 0;
  }

  counts(name: string): number[] {
    const value = this.#fields[name] ?? [];
    if (Array.isArray(value) && value.every(isCount)) return value;
    this.isPlain = false;
    return [];
  }

  countsByName(name: string): Record<string, number> {
    const value = this.#fields[name];
    if (value === undefined) return {};
    if (isRecordOf(value, isCount)) return value;
    this.isPlain = false;
    return {};
  }

  empty(name: string): never[] {
    const value = this.#fields[name];
    const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
    if (!isEmpty) this.isPlain = false;
    return [];
  }

  usage(name: string): MetaUsage | null {
    const value = this.#fields[name] ?? null;
    if (value === null) return null;
    const usage = isObject(value) ? plainUsage(value) : undefined;
    if (usage === undefined) this.isPlain = false;
    return usage ?? null;
  }

  missing(): string {
    this.isPlain = false;
    return '';
  }
}

function plainUsage(fields: Fields): MetaUsage | undefined {
  const { v, slots, inherited, reported, uncertain, through } = fields;
  const isPlain = v === 1 && reported === undefined && uncertain === undefined;
  if (!isPlain || !isRecordOf(slots, isShort) || !isRecordOf(through, isCount)) return undefined;
  if (inherited === undefined) return { v, slots, through };
  if (!isRecordOf(inherited, isShort)) return undefined;
  return { v, slots, inherited, through };
}

/** Names that an object may inherit are left to the schema. */
function isRecordOf<Value>(
  value: unknown,
  isOne: (value: unknown) => value is Value,
): value is Record<string, Value> {
  if (!isObject(value)) return false;
  for (const name of Object.keys(value)) {
    if (name in Object.prototype || name === 'prototype' || name.length > longestShort)
      return false;
    if (!isOne(value[name])) return false;
  }
  return true;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

const longestShort = 400;

function isShort(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longestShort;
}
