import * as v from 'valibot';

const text = v.object({ type: v.literal('text'), text: v.string() });
const image = v.object({ type: v.literal('image'), source: v.looseObject({ type: v.string() }) });
const block = v.variant('type', [
  text,
  image,
  v.object({ type: v.literal('thinking'), thinking: v.string(), signature: v.string() }),
  v.object({
    type: v.literal('tool_use'),
    id: v.pipe(v.string(), v.minLength(1)),
    name: v.pipe(v.string(), v.minLength(1)),
    input: v.record(v.string(), v.unknown()),
  }),
  v.object({
    type: v.literal('tool_result'),
    tool_use_id: v.pipe(v.string(), v.minLength(1)),
    content: v.union([v.string(), v.array(v.variant('type', [text, image]))]),
    is_error: v.optional(v.literal(true)),
  }),
]);
const content = v.union([v.string(), v.array(block)]);
const isoTime = v.pipe(v.string(), v.isoTimestamp());
const row = v.looseObject({
  parentUuid: v.nullable(v.pipe(v.string(), v.uuid())),
  uuid: v.pipe(v.string(), v.uuid()),
  sessionId: v.string(),
  isSidechain: v.literal(false),
  timestamp: v.optional(isoTime),
  type: v.picklist(['user', 'assistant', 'system']),
  message: v.object({
    role: v.picklist(['user', 'assistant', 'system']),
    content,
    id: v.optional(v.string()),
    type: v.optional(v.literal('message')),
    model: v.optional(v.string()),
    stop_reason: v.optional(v.nullable(v.string())),
    usage: v.optional(v.record(v.string(), v.number())),
  }),
});

export type TraceRow = v.InferOutput<typeof row>;

/**
 * The rows of a trace, each of the shape that the Hub tells by: a `type` of user, assistant or system and an object `message`
 * beside it, on one line each; and one thread, every row the child of the one before.
 */
export function readTrace(bytes: Buffer): readonly TraceRow[] {
  const lines = bytes.toString('utf8').split('\n');
  if (lines.pop() !== '') throw new Error('the last row has no newline');
  const rows = lines.map((line) => v.parse(row, JSON.parse(line)));
  let parent: string | null = null;
  for (const { parentUuid, uuid, type, message } of rows) {
    if (parentUuid !== parent) throw new Error(`${uuid} is no child of ${parent}`);
    if (type !== message.role) throw new Error(`${uuid} is ${type} and says ${message.role}`);
    parent = uuid;
  }
  if (new Set(rows.map(({ uuid }) => uuid)).size !== rows.length) throw new Error('a uuid twice');
  return rows;
}
