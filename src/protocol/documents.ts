import * as v from 'valibot';
import { TracecraftError, UsageError } from '../errors.js';
import { metaUsageSchema } from './usage.js';

/**
 * The bucket's documents. Names are fixed (the Python tool tracecraft reads and writes them too), fields may be
 * added, and readers ignore unknown ones. What comes from a bucket is hostile until parsed here.
 */
const timestamp = v.pipe(v.string(), v.maxLength(64));
const text = v.pipe(v.string(), v.maxLength(100_000));
const nullable = <Schema extends v.GenericSchema>(schema: Schema) =>
  v.optional(v.nullable(schema), null);
const counter = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** The number of digits in part and generation names. */
const ordinal = v.pipe(counter, v.maxValue(999_999_999));

export const agentSchema = v.object({
  id: text,
  status: v.picklist(['active', 'idle', 'ended']),
  step: nullable(text),
  started_at: nullable(timestamp),
  heartbeat: nullable(timestamp),
  summary: nullable(text),
  host: nullable(text),
  harness: v.optional(nullable(text)),
  session_id: v.optional(nullable(text)),
});
export type AgentDocument = v.InferOutput<typeof agentSchema>;

export const generationSchema = v.object({
  gen: ordinal,
  /** Sequence number of the generation's first own part. */
  firstSeq: ordinal,
  /** The parts shared with an earlier generation: the first `parts` of that generation's chain. */
  base: v.nullable(v.object({ gen: ordinal, parts: counter })),
  reason: text,
  who: text,
  at: timestamp,
});
export type GenerationDocument = v.InferOutput<typeof generationSchema>;

const countsSchema = v.record(v.string(), counter);

const metaPartSchema = v.object({
  seq: counter,
  name: text,
  /** This part's first line (inclusive) and last line (exclusive). */
  cursor_range: v.tuple([counter, counter]),
  source_bytes: counter,
  uploaded_bytes: counter,
  lines: counter,
  redactions: countsSchema,
  uploaded_at: timestamp,
});

const metaStreamSchema = v.object({
  name: text,
  part_count: counter,
  total_lines: counter,
  total_uploaded_bytes: counter,
  /** For a sub-agent: its task, and its caller's description of it. */
  title: v.exactOptional(text),
  description: v.exactOptional(text),
  agent_type: v.exactOptional(text),
  /** The stream and the call that started it. */
  parent_stream: v.exactOptional(text),
  call_id: v.exactOptional(text),
});
export type MetaStream = v.InferOutput<typeof metaStreamSchema>;

/** The end of another machine's transcript under the same session id. */
const metaHeadSchema = v.object({
  host: nullable(text),
  agent_id: nullable(text),
  generation: counter,
  total_lines: counter,
  last_part: nullable(text),
  last_uploaded_at: nullable(timestamp),
});

/** The fields of a session's `meta.json`. */
export const ownMetaSchema = v.object({
  schema_version: v.number(),
  harness: text,
  session_id: text,
  agent_id: nullable(text),
  host: nullable(text),
  source_path: nullable(text),
  cwd: nullable(text),
  title: nullable(text),
  /** The session's name, if its harness stores one outside the transcript. */
  name: nullable(text),
  last_prompt: nullable(text),
  model: nullable(text),
  git_branch: nullable(text),
  harness_version: nullable(text),
  parent_session_id: nullable(text),
  started_at: nullable(timestamp),
  /** The time of the newest row of any stream. */
  last_row_at: nullable(timestamp),
  last_uploaded_at: nullable(timestamp),
  ended_at: nullable(timestamp),
  /** Prompts typed by a person or sent by a program that calls the harness; and all turns. */
  prompts: v.optional(counter, 0),
  turns: v.optional(counter, 0),
  /** The first lines of the last 20 turns, ascending. */
  turn_starts: v.optional(v.array(counter), []),
  generation: v.optional(counter, 0),
  part_count: v.optional(counter, 0),
  total_lines: v.optional(counter, 0),
  total_source_bytes: v.optional(counter, 0),
  total_uploaded_bytes: v.optional(counter, 0),
  redaction_counts: v.optional(countsSchema, {}),
  redactor_version: nullable(text),
  parts: v.optional(v.array(metaPartSchema), []),
  streams: v.optional(v.array(metaStreamSchema), []),
  /** How many streams are missing from `streams` (the document stays under 20 KB). */
  streams_omitted: v.optional(counter, 0),
  /** Who else wrote this session, and how far; empty as long as only one machine does. */
  heads: v.optional(v.array(metaHeadSchema), []),
  /** What its calls to models took. Damaged, it counts as missing: the rest of the document is still good. */
  usage: v.fallback(v.optional(v.nullable(metaUsageSchema), null), null),
});
export type MetaDocument = v.InferOutput<typeof ownMetaSchema>;

export const metaSchema = v.pipe(v.unknown(), v.transform(withoutOlderParts), ownMetaSchema);

/** The Python tool's list of parts has neither names nor lines, so only its length is useful. */
function withoutOlderParts(document: unknown): unknown {
  const { schema_version, parts } = Object(document);
  if (schema_version !== 1 || !Array.isArray(parts)) return document;
  return { ...Object(document), part_count: parts.length, parts: [] };
}

/** Limit in bytes for fields of other programs that are kept. */
const maxUnknownBytes = 2_000;

/**
 * Fields of a `meta.json` that others wrote and we do not know. They are written back unchanged,
 * unless they are large.
 */
export function unknownMetaFields(body: Uint8Array): object {
  const fields = Object.entries(Object(JSON.parse(Buffer.from(body).toString('utf8'))));
  const unknown = fields.filter(([name]) => !Object.hasOwn(ownMetaSchema.entries, name));
  const kept = Object.fromEntries(unknown);
  return JSON.stringify(kept).length > maxUnknownBytes ? {} : kept;
}

/** An object in the bucket whose content does not match its key. */
export class DocumentError extends TracecraftError {
  constructor(key: string, problem: string) {
    super('damaged', `not a readable document: ${key}: ${problem}`, {
      hint: 'Another program wrote it, or it was damaged. Look at it, and delete it if it is not needed.',
    });
  }
}

/** The parsed document, or a `DocumentError` that names the key and the field. */
export function parseDocument<Schema extends v.GenericSchema>(
  schema: Schema,
  key: string,
  body: Uint8Array,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, parseJson(key, body));
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  throw new DocumentError(key, `${path === null ? '' : `${path}: `}expected ${issue.expected}`);
}

/** Readable: indented by two spaces, one newline at the end. */
export function encodeDocument(document: object): Buffer {
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
}

/**
 * `UsageError` for a document that readers would refuse: once written, it would stop everybody who
 * reads it.
 */
export function encodeReadable(schema: v.GenericSchema, document: object): Buffer {
  const result = v.safeParse(schema, document);
  if (result.success) return encodeDocument(document);
  const [issue] = result.issues;
  const path = v.getDotPath(issue) ?? 'document';
  throw new UsageError(`not written, because nobody could read it: ${path}: ${issue.message}`);
}

/** Anything deeper cannot be written back: recursion would exhaust the stack. */
const deepest = 200;

function parseJson(key: string, body: Uint8Array): unknown {
  if (body.length === 0) throw new DocumentError(key, 'empty, or too large to be a document');
  if (isDeeper(body, deepest)) throw new DocumentError(key, `nested more than ${deepest} levels`);
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    throw new DocumentError(key, 'not JSON');
  }
}

/** Depth of JSON; ignores brackets in strings. */
function isDeeper(body: Uint8Array, levels: number): boolean {
  let depth = 0;
  let isString = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (isString && byte === 0x5c) at += 1;
    else if (byte === 0x22) isString = !isString;
    else if (!isString && (byte === 0x5b || byte === 0x7b)) depth += 1;
    else if (!isString && (byte === 0x5d || byte === 0x7d)) depth -= 1;
    if (depth > levels) return true;
  }
  return false;
}
