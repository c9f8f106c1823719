import stringWidth from 'string-width';
import type {
  CallEntry,
  Conversation,
  Entry,
  PlanEntry,
  Result,
  Turn,
} from '../conversation/conversation.js';
import { hasFailed } from '../conversation/results.js';
import { formatBytes, formatCount, formatDuration, plural } from './format.js';
import { fitted } from './table.js';

/** What is shown of a conversation besides prompts, answers and one line per call. */
export interface ConversationView {
  readonly turns: readonly Turn[];
  readonly thinking: boolean;
  /** The results of calls. */
  readonly calls: boolean;
  /** Inherited and abandoned turns, context, and the lines of each entry. */
  readonly all: boolean;
  /** Names turns by the line that they begin with, where their numbers need not be known. */
  readonly isByLine?: boolean;
  /** Of the terminal: lines about calls and turns are cut to fit it, while what was said is not. */
  readonly width?: number | undefined;
}

/** A line to be escaped, and its emphasis where there is colour. */
export interface StyledLine {
  readonly text: string;
  readonly style?: 'said' | 'quiet' | 'failed';
}

/** The part of a turn beyond this is folded, with its size. */
const mostInTurn = 64 * 1024;
const longestSummary = 200;
/** Columns of a call that tell what it was. */
const leastCalled = 24;

/** A conversation as lines of text. */
export function* conversationLines(view: ConversationView): Iterable<StyledLine> {
  const folded = { inherited: 0, abandoned: 0 };
  for (const turn of view.turns) {
    if (!view.all && turn.isInherited) folded.inherited += 1;
    else if (!view.all && turn.isAbandoned) folded.abandoned += 1;
    else yield* turnLines(turn, view);
  }
  for (const [what, count] of Object.entries(folded)) {
    if (count > 0) yield quiet(`(${plural(count, `${what} turn`)}: --all)`);
  }
}

/** Whoever writes rows names their kinds. */
const mostKinds = 60;

/** The rows that no turn shows, most frequent kinds first. */
export function bookkeepingLines(kinds: Conversation['bookkeeping']): readonly StyledLine[] {
  const counts = Object.entries(kinds).sort(([, left], [, right]) => right - left);
  if (counts.length === 0) return [];
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const width = formatCount(counts[0]?.[1] ?? 0).length;
  const shown = counts.slice(0, mostKinds);
  const more = counts.length - shown.length;
  return [
    { text: '' },
    quiet(`(${plural(total, 'line')} that no turn shows)`),
    ...shown.map(([kind, count]) => quiet(`  ${formatCount(count).padStart(width)}  ${kind}`)),
    ...(more > 0 ? [quiet(`  and ${plural(more, 'more kind')}`)] : []),
  ];
}

function* turnLines(turn: Turn, view: ConversationView): Iterable<StyledLine> {
  yield quiet(headOf(turn, view.isByLine));
  let bytes = 0;
  let folded = 0;
  for (const entry of turn.entries) {
    const lines = entryLines(entry, view);
    const size = lines.reduce((sum, { text }) => sum + Buffer.byteLength(text) + 1, 0);
    if (bytes > 0 && bytes + size > mostInTurn) {
      folded += size;
      continue;
    }
    bytes += size;
    yield* bytes > mostInTurn ? cut(lines, mostInTurn) : lines;
  }
  if (folded > 0) yield quiet(`  (${formatBytes(folded)} more of this turn: --raw)`);
  if (turn.state !== 'done') yield quiet(`  (${stateText[turn.state]})`);
  yield { text: '' };
}

export const stateText = {
  interrupted: 'interrupted',
  failed: 'ended with an error',
  open: 'not answered yet',
} as const;

function headOf(turn: Turn, isByLine = false): string {
  const { number, startedAtMs, isInherited, isAbandoned, entries } = turn;
  const name = isByLine ? `line ${entries[0]?.rows[0] ?? 0}` : String(number);
  const at = startedAtMs === undefined ? '' : `  ${timeText(startedAtMs)}`;
  const kind = isInherited ? '  inherited' : isAbandoned ? '  abandoned' : '';
  return `── ${name}${at}${kind}`;
}

/** In this machine's time zone, to the minute. */
export function timeText(ms: number): string {
  if (Math.abs(ms) > 8.64e15) return '';
  const date = new Date(ms);
  const local = new Date(ms - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16).replace('T', ' ');
}

function entryLines(entry: Entry, view: ConversationView): readonly StyledLine[] {
  const lines = spokenLines(entry, view);
  if (!view.all || lines.length === 0) return lines;
  return [...lines, quiet(`  [lines ${entry.rows.join(', ')}]`)];
}

function spokenLines(entry: Entry, view: ConversationView): readonly StyledLine[] {
  switch (entry.kind) {
    case 'prompt':
      return promptLines(entry);
    case 'answer':
      return entry.text.split('\n').map((text) => ({ text }));
    case 'thinking':
      return view.thinking || view.all ? quoted(entry.text, '  ~ ', 'quiet') : [];
    case 'call':
    case 'plan':
      return callLines(entry, view);
    case 'result':
      return calledLines([entry.tool ?? 'result'], '', entry.result, view.width);
    case 'command':
      return [
        { text: `> ${entry.name} ${entry.args}`.trimEnd(), style: 'said' },
        ...(entry.output === undefined ? [] : quoted(entry.output, '  ')),
      ];
    case 'compaction':
      return [quiet(fitted(`  (compacted: ${firstLine(entry.summary ?? '')})`, widthOf(view)))];
    case 'context':
      return view.all ? quoted(entry.text, `  ${entry.source}: `, 'quiet') : [];
    case 'notice':
      return [quiet(fitted(`  (${noticeText(entry)})`, widthOf(view)))];
    case 'part':
      return [quiet(`  (${entry.name})`)];
  }
}

function widthOf({ width = Number.POSITIVE_INFINITY }: ConversationView): number {
  return width;
}

function promptLines({
  text,
  images,
  origin,
}: Extract<Entry, { kind: 'prompt' }>): readonly StyledLine[] {
  const mark = origin === 'agent' ? 'task> ' : '> ';
  const pictures = images > 0 ? [quiet(`  (${plural(images, 'image')})`)] : [];
  return [...quoted(text, mark, 'said'), ...pictures];
}

/** `Bash  npm test  ✗ exit 1  2.3s`. */
function callLines(entry: CallEntry | PlanEntry, view: ConversationView): readonly StyledLine[] {
  const { tool, result } = entry;
  const said = entry.kind === 'plan' ? planText(entry) : firstLine(entry.command ?? entry.summary);
  const agent = entry.kind === 'call' ? childText(entry) : '';
  const lines = calledLines([tool, said], agent, result, view.width);
  if (!view.calls || result === undefined || result.text === '') return lines;
  return [...lines, ...quoted(result.text, '    ')];
}

/** The agent that a call started, as `session show` takes it. */
export function childText({ child }: CallEntry): string {
  return child === undefined ? '' : `→ ${child.stream || child.session || child.id}`;
}

/** The agent's name is never truncated: it is on a line of its own where there is little room. */
function calledLines(
  called: readonly string[],
  agent: string,
  result: Result | undefined,
  width = Number.POSITIVE_INFINITY,
): readonly StyledLine[] {
  const how = result === undefined ? 'no result' : resultText(result);
  const begin = `  ${called.filter((one) => one !== '').join('  ')}`;
  const end = `${agent === '' ? '' : `  ${agent}`}  ${how}`;
  const isBeside = agent === '' || width - stringWidth(end) >= leastCalled;
  const text = isBeside
    ? `${fitted(begin, width - stringWidth(end))}${end}`
    : `${fitted(begin, width - stringWidth(how) - 2)}  ${how}`;
  const head: StyledLine = hasFailed(result) ? { text, style: 'failed' } : { text };
  return isBeside ? [head] : [head, { text: `    ${agent}` }];
}

export function planText({ items }: PlanEntry): string {
  const done = items.filter(({ state }) => state === 'completed').length;
  return items.length === 0 ? '' : `${done} of ${items.length} done`;
}

export function resultText(result: Result): string {
  const { exitCode, durationMs, images } = result;
  const failed = hasFailed(result) ? `✗${exitCode === undefined ? '' : ` exit ${exitCode}`}` : '✓';
  const time = durationMs === undefined ? '' : formatDuration(durationMs);
  const pictures = images > 0 ? plural(images, 'image') : '';
  return [failed, time, pictures].filter((one) => one !== '').join('  ');
}

export function noticeText({ notice, text, count }: Extract<Entry, { kind: 'notice' }>): string {
  const times = count > 1 ? ` ×${formatCount(count)}` : '';
  const said = firstLine(text);
  return said === '' ? `${notice}${times}` : `${notice}${times}: ${said}`;
}

export function firstLine(text: string): string {
  const line = text.replace(/\s+/gu, ' ').trim();
  return line.length > longestSummary ? `${line.slice(0, longestSummary - 1)}…` : line;
}

function quoted(text: string, mark: string, style?: StyledLine['style']): readonly StyledLine[] {
  const indent = ' '.repeat(mark.length);
  const styled = style === undefined ? {} : { style };
  return text
    .trimEnd()
    .split('\n')
    .map((line, index) => ({ text: `${index === 0 ? mark : indent}${line}`.trimEnd(), ...styled }));
}

function quiet(text: string): StyledLine {
  return { text, style: 'quiet' };
}

function cut(lines: readonly StyledLine[], most: number): readonly StyledLine[] {
  let left = most;
  const kept = lines.flatMap((line) => {
    const text = left > 0 ? line.text.slice(0, left) : '';
    left -= line.text.length + 1;
    return text === '' && line.text !== '' ? [] : [{ ...line, text }];
  });
  return [...kept, quiet(`  (${formatBytes(Math.max(0, -left))} more: --raw)`)];
}

/** The number of turns at the end, and where they begin. */
export function lastTurns(conversation: Conversation, count: number): readonly Turn[] {
  return count === 0 ? [] : conversation.turns.slice(-count);
}

/** The turn that contains a line of the stream, or the one before it. */
export function turnAround({ turns }: Pick<Conversation, 'turns'>, line: number): readonly Turn[] {
  // Lines of an earlier generation have other numbers.
  const current = turns.filter(({ entries: [first] }) => first?.isEarlier !== true);
  const holds = current.find(({ entries }) => entries.some(({ rows }) => rows.includes(line)));
  const before = current.findLast(({ entries }) => (entries[0]?.rows[0] ?? line + 1) <= line);
  const found = holds ?? before;
  return found === undefined ? [] : [found];
}
