import * as v from 'valibot';

const header = v.looseObject({
  type: v.literal('session'),
  harness: v.pipe(v.string(), v.minLength(1)),
  id: v.pipe(v.string(), v.minLength(1)),
  name: v.optional(v.pipe(v.string(), v.minLength(1))),
});
export type TraceHeader = v.InferOutput<typeof header>;

const call = v.strictObject({
  id: v.pipe(v.string(), v.minLength(1)),
  function: v.strictObject({
    name: v.pipe(v.string(), v.minLength(1)),
    arguments: v.pipe(v.string(), v.parseJson()),
  }),
});
const message = v.strictObject({
  role: v.picklist(['user', 'assistant', 'system', 'tool']),
  content: v.string(),
  reasoningContent: v.optional(v.pipe(v.string(), v.minLength(1))),
  toolCalls: v.optional(v.pipe(v.array(call), v.minLength(1))),
  toolCallId: v.optional(v.string()),
  timestamp: v.optional(v.pipe(v.number(), v.integer())),
  model: v.optional(v.string()),
});
const simpleRow = v.strictObject({ type: v.literal('message'), message });
export type SimpleMessage = v.InferOutput<typeof message>;

/** A trace in the form that the Hub documents as simple: a header, and messages of which each result names a call. */
export function readSimple(bytes: Buffer): {
  readonly header: TraceHeader | undefined;
  readonly messages: readonly SimpleMessage[];
} {
  const [first, ...rest] = linesOf(bytes);
  if (first === undefined) return { header: undefined, messages: [] };
  const messages = rest.map((line) => v.parse(simpleRow, line).message);
  for (const { role, toolCallId } of messages) {
    if ((role === 'tool') !== (toolCallId !== undefined)) throw new Error(`${role} ${toolCallId}`);
  }
  return { header: v.parse(header, first), messages };
}

const piRow = v.looseObject({
  type: v.string(),
  id: v.optional(v.unknown()),
  parentId: v.optional(v.unknown()),
  message: v.optional(v.unknown()),
});
export type PiRow = v.InferOutput<typeof piRow>;

/** A trace in Pi's form: one header, the first row, that names the harness; no row hangs from one that is not there. */
export function readNamed(bytes: Buffer): {
  readonly header: TraceHeader | undefined;
  readonly rows: readonly PiRow[];
} {
  const [first, ...rest] = linesOf(bytes);
  if (first === undefined) return { header: undefined, rows: [] };
  const rows = rest.map((line) => v.parse(piRow, line));
  const ids = new Set(rows.map(({ id }) => id));
  for (const { type, parentId } of rows) {
    if (type === 'session') throw new Error('a second header');
    const isRoot = parentId === undefined || parentId === null;
    if (!isRoot && !ids.has(parentId)) throw new Error(`no row ${JSON.stringify(parentId)}`);
  }
  return { header: v.parse(header, first), rows };
}

function linesOf(bytes: Buffer): readonly unknown[] {
  const lines = bytes.toString('utf8').split('\n');
  if (lines.pop() !== '') throw new Error('the last row has no newline');
  return lines.map((line): unknown => JSON.parse(line));
}
