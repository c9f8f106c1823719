import { readerOf } from '../../../watchers/readers.js';
import type { CallEntry, Conversation, Turn } from '../../conversation/conversation.js';
import { withChildren } from '../../conversation/join.js';
import type { PageHeader, PageSession } from '../page/data.js';
import type { Lines } from './data.js';
import { button, element, replace, shown } from './dom.js';
import { EndlessList } from './endless-list.js';
import { familyLinks } from './family.js';
import { headsIn } from './relatives.js';
import { streamTitle } from './stream-title.js';
import { rowElement } from './transcript-rows.js';
import { itemAt, itemElement, itemsOf, lineOfItem, type TurnItem } from './turns.js';

export interface TranscriptInput {
  readonly header: PageHeader;
  readonly lines: Lines;
  /** The user moved to another place in it. */
  onPlace(stream: number, line: number, isRows: boolean): void;
}

/** In a longer stream, only the rows around the place are read as a conversation. */
const mostFolded = 30_000;
const aroundPlace = 6_000;

interface Opened {
  readonly session: number;
  readonly stream: number;
  readonly harness: string;
  readonly lines: number;
}

/** A stream, shown as a conversation or row by row. */
export class Transcript {
  readonly #input: TranscriptInput;
  readonly #into: HTMLElement;
  readonly #list: EndlessList;
  readonly #place = element('input', {
    type: 'range',
    min: 0,
    'aria-label': 'Line of the transcript',
  });
  readonly #status = element('span', { class: 'place' });
  readonly #mode: HTMLButtonElement;
  readonly #openTurns = new Set<string>();
  #opened: Opened = { session: 0, stream: 0, harness: '', lines: 0 };
  #items: readonly TurnItem[] = [];
  #isRows = false;
  #line = 0;
  #turn = 0;
  /** The line after the last one read as part of the conversation. */
  #end = 0;

  constructor(into: HTMLElement, input: TranscriptInput) {
    this.#into = into;
    this.#input = input;
    const rows = element('div', {
      class: 'rows',
      role: 'feed',
      tabindex: 0,
      'aria-label': 'Transcript',
    });
    this.#list = new EndlessList(rows, (item) => this.#passed(item));
    this.#place.addEventListener('change', () => void this.#goTo(Number(this.#place.value)));
    this.#mode = button('All rows', { class: 'mode', title: 'Every row, as it was written' }, () =>
      this.#turnMode(),
    );
  }

  /** The line at the top. */
  get line(): number {
    return this.#line;
  }

  async open(session: number, stream: number, line: number, isRows: boolean): Promise<void> {
    const { header } = this.#input;
    const about = header.sessions[session];
    const { lines = 0, harness = '' } = header.streams[stream] ?? {};
    this.#opened = { session, stream, harness, lines };
    this.#isRows = isRows || readerOf(harness) === undefined;
    this.#items = [];
    this.#place.max = String(Math.max(0, lines - 1));
    const title = streamTitle(header, about, stream);
    replace(
      this.#into,
      element('h2', { dir: 'auto' }, shown(title.slice(0, 300))),
      element('p', { class: 'said' }, shown(aboutText(about, header, stream))),
      familyLinks(header, session, (other) => this.#openSession(other)),
      this.#streamPicker(session, about, stream),
      element('div', { class: 'jump' }, this.#place, this.#status, this.#mode),
      this.#list.root,
    );
    await this.#goTo(line);
  }

  #streamPicker(
    session: number,
    about: PageSession | undefined,
    present: number,
  ): HTMLElement | undefined {
    if (about === undefined || about.streams.length < 2) return undefined;
    const picker = element('select', { 'aria-label': 'Stream of the session' });
    for (const stream of about.streams) {
      const { name = '', lines = 0, title } = this.#input.header.streams[stream] ?? {};
      const called = name === '' ? 'main' : [name, title].filter((one) => one != null).join(': ');
      const label = `${called.slice(0, 120)} (${lines} lines)`;
      picker.append(
        element('option', { value: stream, selected: stream === present }, shown(label)),
      );
    }
    picker.addEventListener('change', () => {
      const stream = Number(picker.value);
      void this.open(session, stream, 0, this.#isRows);
      this.#input.onPlace(stream, 0, this.#isRows);
    });
    return picker;
  }

  #turnMode(): void {
    this.#isRows = !this.#isRows;
    void this.#goTo(this.#line);
    this.#input.onPlace(this.#opened.stream, this.#line, this.#isRows);
  }

  async #goTo(line: number): Promise<void> {
    this.#line = line;
    this.#mode.textContent = this.#isRows ? 'Conversation' : 'All rows';
    this.#mode.hidden = readerOf(this.#opened.harness) === undefined;
    this.#into.dataset.mode = this.#isRows ? 'rows' : 'conversation';
    await (this.#isRows ? this.#showRows(line) : this.#showConversation(line));
  }

  #showRows(line: number): Promise<void> {
    const { stream, harness, lines } = this.#opened;
    const make = async (from: number, to: number) => {
      const texts = await this.#input.lines
        .range(stream, from, to)
        .catch((error: unknown) => [String(error)]);
      return texts.map((text, index) => rowElement(harness, text, from + index));
    };
    return this.#list.show({ count: lines, make }, line);
  }

  async #showConversation(line: number): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const conversation = await this.#conversation(line);
    if (turn !== this.#turn) return;
    if (conversation === undefined) {
      this.#isRows = true;
      await this.#goTo(line);
      return;
    }
    await this.#showItems(conversation, line);
  }

  async #showItems(conversation: Conversation, line: number): Promise<void> {
    const at = conversation.turns.find((turn) =>
      turn.entries.some(({ rows, isEarlier }) => isEarlier !== true && rows.includes(line)),
    );
    if (at !== undefined && line > 0) this.#openTurns.add(at.id);
    const items = itemsOf(conversation, ({ id }) => this.#openTurns.has(id));
    this.#items = items;
    const make = (from: number, to: number) => {
      const elements = items.slice(from, to).map((item) =>
        itemElement(item, {
          onOpen: (turn) => this.#openTurn(conversation, turn),
          childLink: (entry) => this.#childLink(entry),
          onRows: (row) => {
            this.#isRows = true;
            void this.#goTo(row);
            this.#input.onPlace(this.#opened.stream, row, true);
          },
        }),
      );
      return Promise.resolve(to < items.length ? elements : [...elements, ...this.#further()]);
    };
    await this.#list.show({ count: items.length, make }, line === 0 ? 0 : itemAt(items, line));
  }

  /** Links to the rest of a conversation that was only partly read. */
  #further(): readonly HTMLElement[] {
    const end = this.#end;
    if (end >= this.#opened.lines) return [];
    const label = `Continue at line ${end.toLocaleString('en')}`;
    return [button(label, { class: 'more' }, () => void this.#goTo(end))];
  }

  #openTurn(conversation: Conversation, turn: Turn): void {
    this.#openTurns.add(turn.id);
    void this.#showItems(conversation, turn.entries[0]?.rows[0] ?? 0);
  }

  /** The stream as a conversation; `undefined` if none of it can be read. */
  async #conversation(line: number): Promise<Conversation | undefined> {
    const { stream, lines } = this.#opened;
    const [from, to] =
      lines <= mostFolded
        ? [0, lines]
        : [Math.max(0, line - aroundPlace), Math.min(lines, line + aroundPlace)];
    this.#end = to;
    return this.#fold(stream, from, to);
  }

  async #fold(stream: number, from: number, to: number): Promise<Conversation | undefined> {
    const { session, harness } = this.#opened;
    const about = this.#input.header.sessions[session];
    const name = this.#input.header.streams[stream]?.name ?? '';
    const fold = readerOf(harness)?.open({ session: about?.id ?? '', stream: name });
    const texts = await this.#input.lines.range(stream, from, to).catch(() => undefined);
    if (fold === undefined || texts === undefined) return undefined;
    for (const [index, text] of texts.entries()) fold.row(text, from + index);
    return withChildren(
      fold.state(),
      about === undefined ? [] : headsIn(this.#input.header, about),
    );
  }

  #openSession(session: number): void {
    const stream = this.#input.header.sessions[session]?.streams[0];
    if (stream === undefined) return;
    void this.open(session, stream, 0, false);
    this.#input.onPlace(stream, 0, false);
  }

  #childLink({ child }: CallEntry): (() => void) | undefined {
    const { sessions, streams } = this.#input.header;
    if (child === undefined) return undefined;
    const own = sessions[this.#opened.session];
    const session = sessions.findIndex(({ id, harness }) => {
      const wanted = child.session ?? child.id;
      return id === wanted && harness === own?.harness;
    });
    const about = sessions[session === -1 ? this.#opened.session : session];
    const name = child.stream ?? (session === -1 ? `subagents/agent-${child.id}` : '');
    const stream = about?.streams.find((one) => streams[one]?.name === name);
    if (about === undefined || stream === undefined || stream === this.#opened.stream) {
      return undefined;
    }
    return () => {
      void this.open(sessions.indexOf(about), stream, 0, false);
      this.#input.onPlace(stream, 0, false);
    };
  }

  #passed(item: number): void {
    const { lines } = this.#opened;
    const shownItem = this.#items[item];
    this.#line = this.#isRows || shownItem === undefined ? item : lineOfItem(shownItem);
    this.#place.value = String(this.#line);
    this.#status.textContent =
      lines === 0
        ? 'no lines'
        : `line ${this.#line.toLocaleString('en')}, ${lines.toLocaleString('en')} in all`;
  }
}

function aboutText(about: PageSession | undefined, { streams }: PageHeader, stream: number) {
  const { turns = 0, calls = 0, failedCalls = 0 } = streams[stream] ?? {};
  const failed = failedCalls === 0 ? '' : `, ${failedCalls} failed`;
  const tokens = about?.tokens ?? null;
  return [
    about?.harness,
    about?.agent,
    about?.model,
    about?.folder,
    `${turns} ${turns === 1 ? 'turn' : 'turns'}`,
    `${calls} ${calls === 1 ? 'call' : 'calls'}${failed}`,
    tokens === null ? undefined : `${tokens.toLocaleString('en')} tokens in the session`,
  ]
    .filter((one) => one != null)
    .join(' · ');
}
