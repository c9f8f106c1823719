import type { CallEntry, Entry, Turn } from '../conversation/conversation.js';
import { hasFailed } from '../conversation/results.js';
import { callDetails, type DetailRoom } from './details.js';
import { type Clean, cutText, quoted, singleLine } from './text.js';

const lineBytes = 200;
/** A turn in less room than this says nothing. */
const leastBytes = 200;

/** How many of the last calls are told in detail, and in how much: the first that leaves room for everything else. */
const details: readonly { readonly calls: number; readonly room: DetailRoom }[] = [
  { calls: Number.POSITIVE_INFINITY, room: { bytes: 2_800, lines: 24 } },
  { calls: Number.POSITIVE_INFINITY, room: { bytes: 700, lines: 8 } },
  { calls: 12, room: { bytes: 700, lines: 8 } },
];

/** How texts are made fit: what was said, and what was called, with short names of files. */
interface Ways {
  readonly clean: Clean;
  readonly below: Clean;
}

interface Telling extends Ways {
  readonly detailed: ReadonlySet<Entry>;
  readonly room: DetailRoom;
}

interface Told {
  readonly text: string;
  /** Nothing was left out. */
  readonly isWhole: boolean;
}

/** As many of the last turns as fit; of the newest one at least its prompt and its end. */
export function lastTurns(turns: readonly Turn[], ways: Ways, bytes: number): string {
  const calls = turns.flatMap(({ entries }) => entries.filter(({ kind }) => kind === 'call'));
  let told: Told = { text: '', isWhole: false };
  for (const { calls: count, room } of details) {
    const detailed = new Set(calls.slice(-count));
    told = turnsTold(turns, { ...ways, detailed, room }, bytes);
    if (told.isWhole) break;
  }
  return told.text;
}

function turnsTold(turns: readonly Turn[], telling: Telling, bytes: number): Told {
  const each = turns.length === 1 ? bytes : bytes / 2;
  const shown: Told[] = [];
  let left = bytes;
  for (const turn of turns.toReversed()) {
    const told = turnTold(turn, telling, Math.min(left, each));
    const size = Buffer.byteLength(told.text) + 2;
    if (told.text === '' || size > left) break;
    shown.unshift(told);
    left -= size;
  }
  const isWhole = shown.length === turns.length && shown.every((told) => told.isWhole);
  return { text: shown.map(({ text }) => text).join('\n\n'), isWhole };
}

interface Block {
  readonly text: string;
  /** An item of a list, which needs no empty line before the next one. */
  readonly isItem: boolean;
}

/** Its prompt, and from its end back as much as there is room for. */
function turnTold(turn: Turn, telling: Telling, bytes: number): Told {
  if (bytes < leastBytes) return { text: '', isWhole: false };
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
  if (blocks.length === 0) return { text: '', isWhole: true };
  const text = `${heading}\n\n${joined(blocks)}`;
  const cut = cutText(text, bytes);
  return { text: cut, isWhole: unread === 0 && cut === text };
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
  { clean, below, detailed, room }: Telling,
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
      const told = detailed.has(entry) ? callDetails(entry, below, room) : undefined;
      const called = callText(entry, below);
      return told === undefined ? item(called) : { text: `- ${called}\n\n${told}`, isItem: false };
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
