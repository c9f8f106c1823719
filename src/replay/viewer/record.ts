import { type PageHeader, recordsStream } from '../page/data.js';
import { wordOf } from '../timeline/entry.js';
import type { Lines } from './data.js';
import { button, element, fillLong, isoOf, replace, shown } from './dom.js';
import type { Entries } from './entries.js';

/** Characters of one record shown at once. */
const mostShown = 50_000;

export interface RecordInput {
  readonly header: PageHeader;
  readonly entries: Entries;
  readonly lines: Lines;
  onPlace(stream: number, line: number): void;
}

/**
 * Everything known about an entry: its description, its cause, and its object as stored in the
 * bucket.
 */
export async function showRecord(
  into: HTMLElement,
  { header, entries, lines, onPlace }: RecordInput,
  entry: number,
): Promise<void> {
  const type = entries.type(entry);
  const pre = element('pre', { class: 'json', tabindex: 0, 'aria-label': 'Record' }, '…');
  const key = element('code', { class: 'key' });
  const cause = entries.cause(entry);
  replace(
    into,
    element('h2', { class: `word ${type.replace('.', '-')}` }, shown(wordOf(type))),
    element('p', { class: 'said', dir: 'auto' }, shown(entries.text(entry))),
    factsOf(entries, entry),
    cause === undefined
      ? undefined
      : button(`Open the tool call that did this`, { class: 'cause' }, () =>
          onPlace(cause.stream, cause.line),
        ),
    key,
    pre,
  );
  const line = await lines
    .line(recordsStream, entries.row(entry))
    .catch((error: unknown) => String(error));
  const read = readRecord(line ?? '');
  key.textContent = shown(read.key);
  fillLong(pre, read.text, mostShown);
  into.dataset.entry = String(entry);
  void header;
}

function readRecord(line: string): { readonly key: string; readonly text: string } {
  try {
    const { key, record, text } = JSON.parse(line) as {
      readonly key?: unknown;
      readonly record?: unknown;
      readonly text?: unknown;
    };
    const body = typeof text === 'string' ? text : JSON.stringify(record, null, 2);
    return {
      key: String(key ?? ''),
      text: body ?? 'Nothing but the object itself records it.',
    };
  } catch {
    return { key: '', text: line };
  }
}

function factsOf(entries: Entries, entry: number): HTMLElement {
  const facts = element('dl', { class: 'facts' });
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['time', isoOf(entries.timeMs(entry))],
    ['agent', entries.agent(entry) ?? 'not recorded'],
    ['step', entries.step(entry)],
    ['to', entries.to(entry)],
    ['record', entries.isDerived(entry) ? 'derived: no event was recorded' : undefined],
  ];
  for (const [name, value] of rows) {
    if (value === undefined) continue;
    facts.append(element('dt', {}, name), element('dd', { dir: 'auto' }, shown(value)));
  }
  return facts;
}
