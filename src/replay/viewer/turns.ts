import type {
  CallEntry,
  Conversation,
  Entry,
  PlanEntry,
  Result,
  Turn,
} from '../../conversation/conversation.js';
import { json } from '../../conversation/fields.js';
import { hasFailed } from '../../conversation/results.js';
import { button, element, fillLong, isoOf, shown } from './dom.js';
import { stateWords } from './labels.js';
import { clockOf } from './transcript-rows.js';

/** Characters of one entry shown before the user asks for more. */
const mostShown = 6_000;

/** One item of a conversation: the head of a turn, or one of its entries. */
export type TurnItem =
  | { readonly turn: Turn; readonly entry?: undefined }
  | { readonly turn: Turn; readonly entry: Entry };

/**
 * In order: each turn's head and its entries. Inherited and abandoned turns show only their heads
 * until opened.
 */
export function itemsOf(
  { turns }: Conversation,
  isOpen: (turn: Turn) => boolean,
): readonly TurnItem[] {
  return turns.flatMap((turn): readonly TurnItem[] => [
    { turn },
    ...(isFolded(turn) && !isOpen(turn) ? [] : turn.entries.map((entry) => ({ turn, entry }))),
  ]);
}

function isFolded({ isInherited, isAbandoned }: Turn): boolean {
  return isInherited || isAbandoned;
}

/** The item that contains a line, or the last one that begins before it. */
export function itemAt(items: readonly TurnItem[], line: number): number {
  const holds = ({ entry }: TurnItem): boolean =>
    entry?.isEarlier !== true && entry?.rows.includes(line) === true;
  const exact = items.findIndex(holds);
  if (exact !== -1) return exact;
  const before = items.findLastIndex(({ entry }) => entry !== undefined && lineOf(entry) <= line);
  return Math.max(0, before);
}

/** The first line of an item. */
export function lineOfItem({ turn, entry }: TurnItem): number {
  const first = entry ?? turn.entries[0];
  return first === undefined ? 0 : lineOf(first);
}

function lineOf({ rows }: Entry): number {
  return rows[0] ?? 0;
}

export interface ItemActions {
  /** Expands a turn that shows only its head. */
  onOpen(turn: Turn): void;
  /** Opens a sub-agent's transcript; `undefined` if it is not in the page. */
  childLink(entry: CallEntry): (() => void) | undefined;
  /** Shows the rows an entry was made from. */
  onRows(line: number): void;
}

export function itemElement(item: TurnItem, actions: ItemActions): HTMLElement {
  const { turn, entry } = item;
  if (entry === undefined) return turnHead(turn, actions);
  const line = lineOf(entry);
  const rows = button(`#${line}`, { class: 'rows-link', title: 'Its rows' }, () =>
    actions.onRows(line),
  );
  const made = element(
    'article',
    { class: `entry ${entry.kind}${isFailure(entry) ? ' error' : ''}`, 'data-line': line },
    ...bodyOf(entry, actions),
    rows,
  );
  return made;
}

function turnHead(turn: Turn, { onOpen }: ItemActions): HTMLElement {
  const { number, origin, startedAtMs, state, isInherited, isAbandoned, entries } = turn;
  const calls = entries.filter(({ kind }) => kind === 'call' || kind === 'plan').length;
  const about = [
    origin === 'none' ? 'before the first prompt' : `turn ${number}`,
    startedAtMs === undefined ? undefined : isoOf(startedAtMs).slice(0, 16).replace('T', ' '),
    calls === 0 ? undefined : `${calls} ${calls === 1 ? 'call' : 'calls'}`,
    isInherited ? 'copied from the session that this one continues' : undefined,
    isAbandoned ? 'taken back' : undefined,
    state === 'done' ? undefined : stateWords[state],
  ].filter((one) => one !== undefined);
  const more = isFolded(turn)
    ? button('Show', { class: 'more-turn' }, () => onOpen(turn))
    : undefined;
  return element(
    'article',
    { class: `turn-head ${state}`, 'data-turn': number },
    element('span', {}, about.join(' · ')),
    more,
  );
}

function isFailure(entry: Entry): boolean {
  if (entry.kind === 'call' || entry.kind === 'plan') return hasFailed(entry.result);
  if (entry.kind === 'result') return hasFailed(entry.result);
  return entry.kind === 'notice' && /^(?:error|retries|refusal)$/.test(entry.notice);
}

function bodyOf(entry: Entry, actions: ItemActions): readonly HTMLElement[] {
  switch (entry.kind) {
    case 'prompt':
      return [said(promptName(entry.origin), entry.text, entry.images)];
    case 'answer':
      return [said('Answer', entry.text, 0)];
    case 'thinking':
      return [folded('Thinking', entry.text, [text(entry.text)])];
    case 'call':
    case 'plan':
      return callBody(entry, actions);
    case 'result':
      return [folded(entry.tool ?? 'Result', entry.result.text, [resultBlock(entry.result)])];
    case 'command': {
      const name = `${entry.name} ${entry.args}`.trim();
      return entry.output === undefined
        ? [said('Command', name, 0)]
        : [folded('Command', name, [text(entry.output)])];
    }
    case 'compaction':
      return [folded('Compacted', entry.summary ?? '', [text(entry.summary ?? '')])];
    case 'context':
      return [folded(`Context: ${entry.source}`, entry.text, [text(entry.text)])];
    case 'notice': {
      const times = entry.count > 1 ? ` ×${entry.count}` : '';
      return [folded(`${entry.notice}${times}`, entry.text, [text(entry.text)])];
    }
    case 'part':
      return [said('Part', `[${entry.name}]`, 0)];
  }
}

function promptName(origin: Turn['origin']): string {
  if (origin === 'agent') return 'Task';
  return origin === 'sdk' ? 'Prompt from a program' : 'Prompt';
}

function said(name: string, words: string, images: number): HTMLElement {
  const marks = Array.from({ length: images }, () => '[image]').join(' ');
  const body = [words, marks].filter((part) => part !== '').join('\n');
  return element('div', { class: 'said-by' }, element('div', { class: 'name' }, name), text(body));
}

function text(words: string): HTMLElement {
  const body = element('div', { class: 'text', dir: 'auto' });
  fillLong(body, words, mostShown);
  return body;
}

/** A collapsed line. Its content is created when it is first opened. */
function folded(name: string, first: string, body: readonly HTMLElement[]): HTMLDetailsElement {
  const line = first.slice(0, 300).replace(/\s+/g, ' ').trim();
  const summary = element(
    'summary',
    { class: 'fold-line' },
    element('b', {}, shown(name)),
    element('span', { class: 'first' }, shown(line)),
  );
  return element('details', { class: 'folded' }, summary, ...body);
}

function callBody(entry: CallEntry | PlanEntry, actions: ItemActions): readonly HTMLElement[] {
  const { result } = entry;
  const isPlan = entry.kind === 'plan';
  const first = isPlan ? entry.items.map(itemWords).join(' · ') : entry.summary;
  const child = isPlan ? undefined : actions.childLink(entry);
  const input = element('pre', { class: 'text input' });
  fillLong(input, inputText(entry), mostShown);
  const made = folded(entry.tool, first, [
    input,
    ...(result === undefined ? [] : [resultBlock(result)]),
  ]);
  made.querySelector('summary')?.append(element('span', { class: 'outcome' }, outcomeOf(result)));
  return child === undefined
    ? [made]
    : [made, button('Open the sub-agent', { class: 'child' }, child)];
}

function itemWords({ text: words, state }: PlanEntry['items'][number]): string {
  const mark = state === 'completed' ? '✓' : state === 'in_progress' ? '▸' : '·';
  return `${mark} ${words}`;
}

/** A command as it was typed; any other input as JSON. */
function inputText(entry: CallEntry | PlanEntry): string {
  if (entry.kind === 'call' && entry.command !== undefined) return entry.command;
  const { input } = entry;
  return typeof input === 'string' ? input : (JSON.stringify(input, null, 2) ?? json(input));
}

function outcomeOf(result: Result | undefined): string {
  if (result === undefined) return 'no result';
  const { exitCode, durationMs } = result;
  const failed = hasFailed(result);
  const mark = failed ? `✗${exitCode === undefined ? '' : ` exit ${exitCode}`}` : '✓';
  return durationMs === undefined ? mark : `${mark} ${(durationMs / 1000).toFixed(1)} s`;
}

function resultBlock(result: Result): HTMLElement {
  const block = element('pre', { class: `text result${hasFailed(result) ? ' error' : ''}` });
  const marks = Array.from({ length: result.images }, () => '[image]').join(' ');
  fillLong(block, [result.text, marks].filter((one) => one !== '').join('\n'), mostShown);
  return element(
    'div',
    { class: 'result-of' },
    result.atMs === undefined
      ? undefined
      : element('div', { class: 'name' }, `Result ${clockOf(result.atMs)}`),
    block,
  );
}
