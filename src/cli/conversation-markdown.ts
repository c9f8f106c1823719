import type { CallEntry, Entry, PlanEntry, Result, Turn } from '../conversation/conversation.js';
import {
  type ConversationView,
  childText,
  firstLine,
  noticeText,
  planText,
  resultText,
  stateText,
  timeText,
} from './conversation-lines.js';
import { plural } from './format.js';

interface MarkdownHead {
  readonly title: string;
  /** `harness/id`, and how many turns. */
  readonly about: string;
}

/**
 * A conversation as Markdown: prompts quoted, answers as they are, one line per call. What is shown is chosen as for
 * lines of text, but nothing is cut.
 */
export function conversationMarkdown(view: ConversationView, head: MarkdownHead): string {
  const folded = { inherited: 0, abandoned: 0 };
  const turns = view.turns.flatMap((turn) => {
    if (!view.all && turn.isInherited) folded.inherited += 1;
    else if (!view.all && turn.isAbandoned) folded.abandoned += 1;
    else return turnBlocks(turn, view);
    return [];
  });
  const left = Object.entries(folded).flatMap(([what, count]) =>
    count === 0 ? [] : [`*${plural(count, `${what} turn`)} left out: --all*`],
  );
  const blocks = [`# ${oneLine(head.title)}`, oneLine(head.about), ...turns, ...left];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function turnBlocks(turn: Turn, view: ConversationView): readonly string[] {
  const { number, startedAtMs, isInherited, isAbandoned, entries, state } = turn;
  const name = view.isByLine === true ? `Line ${entries[0]?.rows[0] ?? 0}` : `Turn ${number}`;
  const about = [
    name,
    startedAtMs === undefined ? '' : timeText(startedAtMs),
    isInherited ? 'inherited' : isAbandoned ? 'abandoned' : '',
  ];
  return [
    `## ${about.filter((one) => one !== '').join(' · ')}`,
    ...joinedCalls(entries.flatMap((entry) => entryBlock(entry, view))),
    ...(state === 'done' ? [] : [`*(${stateText[state]})*`]),
  ];
}

interface Block {
  readonly text: string;
  /** Items of a list stand together. */
  readonly isItem?: true;
}

function joinedCalls(blocks: readonly Block[]): readonly string[] {
  const joined: { text: string; isItem: boolean }[] = [];
  for (const { text, isItem = false } of blocks) {
    const last = joined.at(-1);
    if (isItem && last?.isItem === true) last.text += `\n${text}`;
    else joined.push({ text, isItem });
  }
  return joined.map(({ text }) => text);
}

function entryBlock(entry: Entry, view: ConversationView): readonly Block[] {
  switch (entry.kind) {
    case 'prompt': {
      const pictures = entry.images > 0 ? `\n*(${plural(entry.images, 'image')})*` : '';
      return [{ text: quoted(`${entry.text.trimEnd()}${pictures}`) }];
    }
    case 'answer':
      return [{ text: entry.text.trim() }];
    case 'thinking':
      return view.thinking || view.all ? [{ text: quoted(`*Thinking:* ${entry.text}`) }] : [];
    case 'call':
    case 'plan':
      return [{ text: callItem(entry, view), isItem: true }];
    case 'result':
      return [{ text: resultItem(entry.tool ?? 'result', entry.result, view), isItem: true }];
    case 'command':
      return [
        { text: `- ${code(`${entry.name} ${entry.args}`.trim())}${fenced(entry.output ?? '')}` },
      ];
    case 'compaction':
      return [{ text: `*(compacted: ${oneLine(entry.summary ?? '')})*` }];
    case 'context':
      return view.all ? [{ text: quoted(`*${entry.source}:* ${entry.text}`) }] : [];
    case 'notice':
      return [{ text: `*(${oneLine(noticeText(entry))})*` }];
    case 'part':
      return [{ text: `*(${oneLine(entry.name)})*` }];
  }
}

function callItem(entry: CallEntry | PlanEntry, view: ConversationView): string {
  const said = entry.kind === 'plan' ? planText(entry) : firstLine(entry.command ?? entry.summary);
  const agent = entry.kind === 'call' ? childText(entry) : '';
  const words = [said === '' ? '' : code(said), agent === '' ? '' : code(agent)];
  return resultItem(
    [entry.tool, ...words].filter((one) => one !== '').join(' '),
    entry.result,
    view,
  );
}

function resultItem(
  begin: string,
  result: Result | undefined,
  { calls }: ConversationView,
): string {
  const how = result === undefined ? 'no result' : resultText(result).replace(/ +/g, ' ');
  const text = calls ? (result?.text ?? '') : '';
  return `- ${begin} ${how}${fenced(text)}`;
}

/** Below an item of a list; the fence is longer than any in the text. */
function fenced(text: string): string {
  if (text.trim() === '') return '';
  const fence = '`'.repeat(Math.max(3, longestTicks(text) + 1));
  const lines = [fence, ...text.trimEnd().split('\n'), fence];
  return `\n\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}

function code(text: string): string {
  const ticks = '`'.repeat(longestTicks(text) + 1);
  const space = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${ticks}${space}${text}${space}${ticks}`;
}

function longestTicks(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}

function quoted(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
}

function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}
