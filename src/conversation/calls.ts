import type { PlanItem } from './conversation.js';
import { type Fields, fields, json, list, text } from './fields.js';

/** Length at which a summary is cut to fit one line. */
const longestSummary = 200;
/** Most informative first; after them comes a tool's own first string. */
const tellingArguments = [
  'file_path',
  'path',
  'notebook_path',
  'pattern',
  'query',
  'url',
  'subject',
  'description',
  'message',
  'prompt',
  'task',
  'goal',
  'name',
] as const;

/** The shell command of a call that runs one. */
export function commandIn(input: unknown): string | undefined {
  const { command, cmd, path, file_path: filePath } = fields(input);
  // An editor's `command` names the operation on the file.
  if (path !== undefined || filePath !== undefined) return undefined;
  const said = command ?? cmd;
  if (!Array.isArray(said)) return text(said);
  const words = said.map((one) => (typeof one === 'string' ? one : json(one)));
  const script = /^-l?c$/.test(words[1] ?? '') ? words[2] : undefined;
  return text(script ?? words.join(' '));
}

/** Single blanks are most of them, and stay as they are. */
const blanks = /\s{2,}|[^\S ]/gu;

/** The most informative argument, on one line. `command` is what `commandIn` says of the same. */
export function summaryOf(input: unknown, command = commandIn(input)): string {
  const said = command ?? tellingArgument(fields(input)) ?? plainInput(input);
  const line = said.replace(blanks, ' ').trim();
  return line.length <= longestSummary ? line : `${line.slice(0, longestSummary - 1)}…`;
}

function tellingArgument(input: Fields): string | undefined {
  for (const name of tellingArguments) {
    const said = text(input[name]);
    if (said !== undefined) return said;
  }
  return Object.values(input)
    .map(text)
    .find((said) => said !== undefined);
}

function plainInput(input: unknown): string {
  if (typeof input === 'string') return firstFileOf(input) ?? input.slice(0, longestSummary * 2);
  return '';
}

/** A patch names its files after its first line. */
function firstFileOf(patch: string): string | undefined {
  return /^\*\*\* (?:Add|Update|Delete) File: (.+)$/m.exec(patch.slice(0, 4_096))?.[1];
}

/** The list a plan-updating call leaves behind; `undefined` for any other call. */
export function planIn(tool: string, input: unknown): readonly PlanItem[] | undefined {
  const args = fields(input);
  switch (tool) {
    case 'TodoWrite':
    case 'todo_write':
    case 'todowrite':
    case 'todo':
      return list(args.todos).map(itemOf);
    case 'update_plan':
      return list(args.plan).map(itemOf);
    case 'TaskCreate':
      return [{ text: text(args.subject) ?? '', state: 'pending' }];
    case 'TaskUpdate':
      return [{ text: text(args.subject) ?? `#${json(args.taskId)}`, state: stateOf(args) }];
    default:
      return undefined;
  }
}

function itemOf(value: unknown): PlanItem {
  const item = fields(value);
  return { text: text(item.content) ?? text(item.step) ?? '', state: stateOf(item) };
}

function stateOf({ status }: Fields): string {
  return text(status) ?? 'unknown';
}
