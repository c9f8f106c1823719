import { type Fields, fields, list, opened, text } from '../../conversation/fields.js';
import { type Block, blockOf, callBlock, contentText, isoMs, type Row } from './row.js';

/** Content that is not plain text begins so in Hermes' database (hermes_state_common, schema v30). */
const jsonMark = '\u0000json:';

/** A state of one row of Hermes' database: `{"op": "insert|update|delete", …row}`. */
export function hermesRow(value: unknown): Row {
  const outer = fields(value);
  const row = { ...outer, ...fields(outer.row) };
  const role = text(row.role);
  const op = text(outer.op);
  const label = [op === 'insert' ? undefined : op, role ?? text(row.table) ?? 'row']
    .filter((part) => part !== undefined)
    .join(' · ');
  return { label, timeMs: timeOf(row), blocks: op === 'delete' ? [] : blocksOf(role, row) };
}

/** Seconds with a fraction; in exports also ISO 8601. */
function timeOf({ timestamp, started_at }: Fields): number | undefined {
  const seconds = typeof timestamp === 'number' ? timestamp : started_at;
  return typeof seconds === 'number' ? seconds * 1000 : isoMs(timestamp);
}

function blocksOf(role: string | undefined, row: Fields): readonly Block[] {
  const said = messageText(row.content);
  const title = text(row.tool_name);
  if (role === 'user') {
    const isHidden = row.display_kind === 'hidden' || row._compressed_summary === 1;
    return blockOf(isHidden ? 'note' : 'prompt', said);
  }
  if (role === 'tool') {
    const output = text(fields(opened(said)).output) ?? said ?? '';
    return [{ kind: 'result', text: output, ...(title === undefined ? {} : { title }) }];
  }
  if (role !== 'assistant') return blockOf('note', said);
  const calls = list(opened(row.tool_calls)).map((call) => {
    const { name, arguments: args } = fields(fields(call).function);
    return callBlock(name ?? fields(call).name, args ?? fields(call).arguments);
  });
  const reasoning = text(row.reasoning) ?? text(row.reasoning_content);
  return [...blockOf('thinking', reasoning), ...blockOf('answer', said), ...calls];
}

function messageText(content: unknown): string | undefined {
  const said = text(content);
  if (said?.startsWith(jsonMark)) return contentText(opened(said.slice(jsonMark.length))) ?? said;
  return said ?? contentText(content);
}
