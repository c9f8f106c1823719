import { escapeTerminal, escapeTerminalBlock } from '../../escape-terminal.js';

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
type Child = Node | string | undefined;

/**
 * An element with attributes and children. Strings become text, never markup: nothing from a bucket
 * gets into the page any other way.
 */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child !== undefined) made.append(child);
  return made;
}

export function button(
  label: string,
  attributes: Attributes,
  onClick: () => void,
): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', onClick);
  return made;
}

/** Untrusted text, on one line. */
export function shown(text: string): string {
  return escapeTerminal(text);
}

/** Untrusted text, with its line breaks. */
function shownBlock(text: string): string {
  return escapeTerminalBlock(text);
}

export function replace(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren(...children.filter((child) => child !== undefined));
}

/** ISO 8601 UTC, or the number itself if it is out of the calendar's range: a row may claim anything. */
export function isoOf(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}

/** Characters the browser lays out at once. */
const mostAtOnce = 100_000;

/** The start of a long text, with more on request. `first`: characters shown right away. */
export function fillLong(into: HTMLElement, text: string, first: number): void {
  into.replaceChildren();
  const add = (from: number, to: number): void => {
    into.append(...breakable(shownBlock(text.slice(from, to))));
    if (to >= text.length) return;
    const isLast = text.length - to <= mostAtOnce;
    const [there, all] = [to.toLocaleString('en'), text.length.toLocaleString('en')];
    const label = isLast
      ? `Show all ${all} characters`
      : `Show more (${there} of ${all} characters)`;
    const more = button(label, { class: 'more' }, () => {
      more.remove();
      add(to, to + mostAtOnce);
    });
    into.append(more);
  };
  add(0, first);
}

const longWord = /(?:\S{0,199}\s+)+|\S{1,200}/g;

/**
 * A browser takes a minute to find line breaks in a word of a hundred thousand characters, so we
 * insert them.
 */
function breakable(text: string): readonly (Node | string)[] {
  const pieces = text.match(longWord) ?? [];
  return pieces.flatMap((piece, index) => (index === 0 ? [piece] : [element('wbr'), piece]));
}
