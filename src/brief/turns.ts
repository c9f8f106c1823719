import type { CallEntry, Entry, Turn } from '../conversation/conversation.js';
import { hasFailed } from '../conversation/results.js';
import { callDetails } from './details.js';
import { type Clean, cutText, quoted, singleLine } from './text.js';

const lineBytes = 200;
/** A turn in less room than this says nothing. */
const leastBytes = 200;

/** So many of the last calls are told in detail. */
const detailedCalls = 12;

/** How texts are made fit: what was said, and what was called, with short names of files. */
interface Ways {
  readonly clean: Clean;
  readonly below: Clean;
}

interface Telling extends Ways {
  readonly detailed: ReadonlySet<Entry>;
}

/** As many of the last turns as fit; of the newest one at least its prompt and its end. */
export function lastTurns(turns: readonly Turn[], ways: Ways, bytes: number): string {
  const calls = turns.flatMap(({ entries }) => entries.filter(({ kind }) => kind === 'call'));
  const telling = { ...ways, detailed: new Set(calls.slice(-detailedCalls)) };
  const each = turns.length === 1 ? bytes : bytes / 2;
  const shown: string[] = [];
  let left = bytes;
  for (const turn of turns.toReversed()) {
    const text = turnText(turn, telling, Math.min(left, each));
    const size = Buffer.byteLength(text) + 2;
    if (text === '' || size > left) break;
    shown.unshift(text);
    left -= size;
  }
  return shown.join('\n\n');
}

interface Block {
  readonly text: string;
  /** An item of a list, which needs no empty line before the next one. */
  readonly isItem: boolean;
}

/** Its prompt, and from its end back as much as there is room for. */
function turnText(turn: Turn, telling: Telling, bytes: number): string {
  if (bytes < leastBytes) return '';
  const at = turn.startedAtMs === undefined ? '' : ` (${isoMinute(turn.startedAtMs)})`;
  const heading = `### Turn ${turn.number}${at}`;
  const blockOf = (entry: Entry) => entryBlock(entry, telling, bytes / 3);
  const [first, ...rest] = turn.entries;
  const head = first === undefined ? undefined : blockOf(first);
  const tail: Block[] = [];
  let left = bytes - sizeOf({ text: heading }) - sizeOf(head) - sizeOf(leftOut(rest.length));
  let unread = rest.length;
  for (const entry of rest.toReversed()) {
    const block = blockOf(entry);
    if (sizeOf(block) > left) break;
    left -= sizeOf(block);
    unread -= 1;
    if (block !== undefined) tail.unshift(block);
  }
  const gap = unread === 0 ? undefined : leftOut(unread);
  const blocks = [head, gap, ...tail].filter((block) => block !== undefined);
  if (blocks.length === 0) return '';
  return cutText(`${heading}\n\n${joined(blocks)}`, bytes);
}

function leftOut(count: number): Block {
  return { text: `- … ${count} more`, isItem: true };
}

/** With the lines that separate it from the next. */
function sizeOf(block: Pick<Block, 'text'> | undefined): number {
  return block === undefined ? 0 : Buffer.byteLength(block.text) + 2;
}

function joined(blocks: readonly Block[]): string {
  return blocks
    .map(({ text, isItem }, at) => {
      const before = blocks[at - 1];
      if (before === undefined) return text;
      return `${isItem && before.isItem ? '\n' : '\n\n'}${text}`;
    })
    .join('');
}

function entryBlock(
  entry: Entry,
  { clean, below, detailed }: Telling,
  bytes: number,
): Block | undefined {
  const said = (label: string, text: string): Block => ({
    text: `${label}\n\n${quoted(cutText(clean(text), bytes))}`,
    isItem: false,
  });
  const item = (text: string): Block => ({ text: `- ${text}`, isItem: true });
  switch (entry.kind) {
    case 'prompt':
      return said('Asked:', entry.text);
    case 'answer':
      return said('Answered:', entry.text);
    case 'call': {
      const details = detailed.has(entry) ? callDetails(entry, below) : undefined;
      const called = callText(entry, below);
      return details === undefined
        ? item(called)
        : { text: `- ${called}\n\n${details}`, isItem: false };
    }
    case 'command':
      return item(line(`${entry.name} ${entry.args}`, clean));
    case 'notice':
      if (entry.notice === 'note') return undefined;
      return item(`${entry.notice}: ${line(entry.text, clean)}`);
    default:
      return undefined;
  }
}

function callText(entry: CallEntry, clean: Clean): string {
  const called = `${singleLine(clean(entry.tool))}: ${line(entry.command ?? entry.summary, clean)}`;
  const { result } = entry;
  if (result === undefined) return `${called} → no result`;
  if (!hasFailed(result)) return called;
  const exit = result.exitCode ?? 0;
  const reason = reasonOf(clean(result.text));
  const code = exit === 0 ? '' : `, exit ${exit}`;
  return `${called} → failed${code}${reason === '' ? '' : `: ${reason}`}`;
}

const sounds = /\b(?:errors?|exceptions?|fail(?:ed|ure)?|fatal|panic|cannot|denied|not|no such)\b/i;

/** The line of an output that says what went wrong, as far as one can tell; else its last one. */
function reasonOf(text: string): string {
  const said = text
    .split('\n')
    .map((one) => singleLine(one))
    .filter((one) => one !== '' && !/^(?:error: )?exit code:? \d+$/i.test(one));
  return cutText(said.find((one) => sounds.test(one)) ?? said.at(-1) ?? '', lineBytes);
}

function line(text: string, clean: Clean): string {
  return cutText(singleLine(clean(text)), lineBytes);
}

function isoMinute(ms: number): string {
  return Math.abs(ms) > 8.64e15 ? '' : `${new Date(ms).toISOString().slice(0, 16)}Z`;
}
