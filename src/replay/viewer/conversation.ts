import { readRow } from '../conversation/read-row.js';
import type { Block } from '../conversation/row.js';
import type { PageHeader, PageSession } from '../page/data.js';
import type { Lines } from './data.js';
import { button, element, fillLong, isoOf, replace, shown } from './dom.js';

/** Rows added at once, and kept in the page. */
const step = 120;
const mostRows = 720;
/** Characters of one block shown before the user asks for more. */
const mostShown = 6_000;

export interface ConversationInput {
  readonly header: PageHeader;
  readonly lines: Lines;
}

/** A stream as a conversation, from any line on; more is loaded before and after as the user scrolls. */
export class Conversation {
  readonly #input: ConversationInput;
  readonly #into: HTMLElement;
  readonly #rows = element('div', {
    class: 'rows',
    role: 'feed',
    tabindex: 0,
    'aria-label': 'Transcript',
  });
  readonly #place = element('input', {
    type: 'range',
    min: 1,
    'aria-label': 'Line of the transcript',
  });
  readonly #status = element('span', { class: 'place' });
  #stream = 0;
  #count = 0;
  #harness = '';
  #first = 0;
  #end = 0;
  #loading: Promise<void> = Promise.resolve();
  #turn = 0;

  constructor(into: HTMLElement, input: ConversationInput) {
    this.#into = into;
    this.#input = input;
    this.#rows.addEventListener('scroll', () => this.#scrolled());
    this.#place.addEventListener('change', () => void this.goTo(Number(this.#place.value) - 1));
  }

  async open(session: number, stream: number, line: number): Promise<void> {
    const about = this.#input.header.sessions[session];
    const { lines = 0, harness = '' } = this.#input.header.streams[stream] ?? {};
    [this.#stream, this.#count, this.#harness] = [stream, lines, harness];
    this.#place.max = String(Math.max(1, lines));
    replace(
      this.#into,
      element('h2', { dir: 'auto' }, shown((about?.title ?? about?.id ?? '').slice(0, 300))),
      element('p', { class: 'said' }, shown(aboutText(about, this.#harness))),
      this.#streamPicker(session, about, stream),
      element('div', { class: 'jump' }, this.#place, this.#status),
      this.#rows,
    );
    await this.goTo(line);
  }

  async goTo(line: number): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    this.#rows.replaceChildren();
    this.#first = Math.max(0, line - 20);
    this.#end = this.#first;
    await this.#append(step);
    if (turn !== this.#turn) return;
    const target = this.#rows.querySelector(`[data-line="${line}"]`);
    if (target instanceof HTMLElement) {
      target.classList.add('target');
      this.#rows.scrollTop += topOf(target) - topOf(this.#rows) - above;
    }
    this.#tellPlace();
  }

  #streamPicker(
    session: number,
    about: PageSession | undefined,
    present: number,
  ): HTMLElement | undefined {
    if (about === undefined || about.streams.length < 2) return undefined;
    const picker = element('select', { 'aria-label': 'Stream of the session' });
    for (const stream of about.streams) {
      const { name = '', lines = 0 } = this.#input.header.streams[stream] ?? {};
      const label = `${name === '' ? 'main' : name} (${lines} lines)`;
      picker.append(
        element('option', { value: stream, selected: stream === present }, shown(label)),
      );
    }
    picker.addEventListener('change', () => void this.open(session, Number(picker.value), 0));
    return picker;
  }

  #scrolled(): void {
    this.#tellPlace();
    const { scrollTop, scrollHeight, clientHeight } = this.#rows;
    if (scrollTop + clientHeight > scrollHeight - 600) void this.#append(step);
    else if (scrollTop < 400) void this.#prepend(step);
  }

  #append(count: number): Promise<void> {
    return this.#next(async (turn) => {
      const end = Math.min(this.#count, this.#end + count);
      const made = await this.#make(this.#end, end);
      if (turn !== this.#turn || end === this.#end) return;
      this.#rows.append(...made);
      this.#end = end;
      this.#drop('first');
    });
  }

  #prepend(count: number): Promise<void> {
    return this.#next(async (turn) => {
      const first = Math.max(0, this.#first - count);
      const made = await this.#make(first, this.#first);
      if (turn !== this.#turn || first === this.#first) return;
      const before = this.#rows.scrollHeight;
      const { scrollTop } = this.#rows;
      this.#rows.prepend(...made);
      this.#first = first;
      this.#rows.scrollTop = scrollTop + this.#rows.scrollHeight - before;
      this.#drop('last');
    });
  }

  #next(act: (turn: number) => Promise<void>): Promise<void> {
    const turn = this.#turn;
    this.#loading = this.#loading.then(async () => {
      if (turn === this.#turn) await act(turn);
    });
    return this.#loading;
  }

  #drop(side: 'first' | 'last'): void {
    const { children } = this.#rows;
    while (children.length > mostRows) {
      const height = this.#rows.scrollHeight;
      const { scrollTop } = this.#rows;
      children[side === 'first' ? 0 : children.length - 1]?.remove();
      if (side === 'last') {
        this.#end -= 1;
        continue;
      }
      this.#first += 1;
      this.#rows.scrollTop = scrollTop - (height - this.#rows.scrollHeight);
    }
  }

  async #make(from: number, to: number): Promise<HTMLElement[]> {
    const lines = await this.#input.lines
      .range(this.#stream, from, to)
      .catch((error: unknown) => [String(error)]);
    return lines.map((line, index) => rowElement(this.#harness, line, from + index));
  }

  #tellPlace(): void {
    const top = topOf(this.#rows) + above + 1;
    const row = [...this.#rows.children].find((one) => one.getBoundingClientRect().bottom > top);
    const line = row instanceof HTMLElement ? Number(row.dataset.line) : 0;
    this.#place.value = String(line + 1);
    this.#status.textContent =
      this.#count === 0 ? 'no lines' : `line ${line + 1} of ${this.#count}`;
  }
}

/** Pixels kept free above the row that was navigated to. */
const above = 12;

function topOf(one: HTMLElement): number {
  return one.getBoundingClientRect().top;
}

function aboutText(about: PageSession | undefined, harness: string): string {
  return [harness, about?.agent, about?.model, about?.cwd].filter((one) => one != null).join(' · ');
}

/** One line of the transcript: as a conversation if it is one, and always as raw JSON. */
function rowElement(harness: string, line: string, number: number): HTMLElement {
  const { label, timeMs, blocks } = readRow(harness, line);
  const kind = blocks[0]?.kind ?? 'raw';
  const raw = element('pre', { class: 'json', hidden: true });
  const isRaw = blocks.length === 0;
  const toggle = button('JSON', { class: 'raw-toggle', 'aria-expanded': 'false' }, () => {
    const isOpen = raw.hidden;
    if (isOpen) fillLong(raw, indented(line), mostShown);
    raw.hidden = !isOpen;
    toggle.setAttribute('aria-expanded', String(isOpen));
  });
  const time = timeMs === undefined ? '' : isoOf(timeMs).slice(11, 19);
  const head = element(
    'header',
    {},
    element('span', { class: 'label' }, shown(label)),
    element('span', { class: 'time' }, time),
    element('span', { class: 'number' }, `#${number + 1}`),
    toggle,
  );
  return element(
    'article',
    { class: `row ${kind}${isRaw ? ' bare' : ''}`, 'data-line': number },
    head,
    ...blocks.map(blockElement),
    raw,
  );
}

const names: Readonly<Record<Block['kind'], string>> = {
  prompt: 'Prompt',
  answer: 'Answer',
  thinking: 'Thinking',
  call: 'Call',
  result: 'Result',
  note: '',
};

function blockElement({ kind, text, title, isError }: Block): HTMLElement {
  const name = [names[kind], title].filter((one) => one !== undefined && one !== '').join(' · ');
  const isCode = kind === 'call' || kind === 'result';
  const body = element(isCode ? 'pre' : 'div', { class: 'text', dir: 'auto' });
  const box = element(
    'div',
    { class: `block ${kind}${isError === true ? ' error' : ''}` },
    name === '' ? undefined : element('div', { class: 'name' }, shown(name)),
    body,
  );
  fillLong(body, text, mostShown);
  return box;
}

function indented(line: string): string {
  try {
    return JSON.stringify(JSON.parse(line), null, 2);
  } catch {
    return line;
  }
}
