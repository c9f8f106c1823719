import type { Entries } from '../entries.js';
import { wordOf } from '../entry.js';
import { type Filter, none, wordsOf } from '../entry-filter.js';
import { button, element, shown } from './dom.js';

export interface FilterState {
  readonly query: string;
  readonly agents: readonly string[] | undefined;
  readonly types: readonly string[] | undefined;
  readonly steps: readonly string[] | undefined;
}

/** The search and the three lists of what is shown. */
export class Filters {
  readonly search = element('input', {
    type: 'search',
    placeholder: 'Search events  ( / )',
    'aria-label': 'Search events',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  readonly root: HTMLElement;
  readonly #choices: readonly Choice[];

  constructor(entries: Entries, agents: readonly string[], onChange: () => void) {
    const types = new Set<string>();
    const steps = new Set<string>();
    const isAnonymous = { agent: false };
    for (let index = 0; index < entries.count; index += 1) {
      types.add(entries.type(index));
      steps.add(entries.step(index) ?? none);
      if (entries.agent(index) === undefined) isAnonymous.agent = true;
    }
    const lanes = isAnonymous.agent ? [...agents, none] : agents;
    this.#choices = [
      new Choice('Agents', lanes, (agent) => (agent === none ? 'nobody known' : agent), onChange),
      new Choice('Kinds', [...types], wordOf, onChange),
      new Choice(
        'Steps',
        [...steps].sort(),
        (step) => (step === none ? 'no step' : step),
        onChange,
      ),
    ];
    this.search.addEventListener('input', onChange);
    this.root = element(
      'div',
      { class: 'filters' },
      this.search,
      ...this.#choices.map((one) => one.root),
    );
  }

  get filter(): Filter {
    const [agents, types, steps] = this.#choices.map(({ chosen }) => chosen);
    return { words: wordsOf(this.search.value), agents, types, steps };
  }

  get state(): FilterState {
    const [agents, types, steps] = this.#choices.map(({ chosen }) =>
      chosen === undefined ? undefined : [...chosen],
    );
    return { query: this.search.value, agents, types, steps };
  }

  restore({ query, agents, types, steps }: FilterState): void {
    this.search.value = query;
    [agents, types, steps].forEach((chosen, index) => {
      if (chosen !== undefined) this.#choices[index]?.choose(new Set(chosen));
    });
  }

  clear(): void {
    this.search.value = '';
    for (const choice of this.#choices) choice.choose(undefined);
  }
}

/** A list of check boxes that opens on demand. */
class Choice {
  readonly root: HTMLDetailsElement;
  readonly #boxes = new Map<string, HTMLInputElement>();
  readonly #summary: HTMLElement;
  readonly #name: string;

  constructor(
    name: string,
    values: readonly string[],
    labelOf: (value: string) => string,
    onChange: () => void,
  ) {
    this.#name = name;
    this.#summary = element('summary', {}, name);
    const changed = (): void => {
      this.#tell();
      onChange();
    };
    const all = button('all', { class: 'link' }, () => {
      this.choose(undefined);
      changed();
    });
    const nothing = button('none', { class: 'link' }, () => {
      this.choose(new Set());
      changed();
    });
    const labels = values.map((value) => {
      const box = element('input', { type: 'checkbox', checked: true });
      box.addEventListener('change', changed);
      this.#boxes.set(value, box);
      return element('label', {}, box, shown(labelOf(value)));
    });
    this.root = element(
      'details',
      { class: 'choice' },
      this.#summary,
      element(
        'div',
        { class: 'options' },
        element('div', { class: 'every' }, all, nothing),
        ...labels,
      ),
    );
    this.root.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.root.open) return;
      event.stopPropagation();
      this.root.open = false;
      this.#summary.focus();
    });
    document.addEventListener('pointerdown', (event) => {
      if (event.target instanceof Node && !this.root.contains(event.target)) this.root.open = false;
    });
  }

  /** `undefined`: all of them. */
  get chosen(): ReadonlySet<string> | undefined {
    const chosen = [...this.#boxes].filter(([, box]) => box.checked).map(([value]) => value);
    return chosen.length === this.#boxes.size ? undefined : new Set(chosen);
  }

  choose(values: ReadonlySet<string> | undefined): void {
    for (const [value, box] of this.#boxes) box.checked = values === undefined || values.has(value);
    this.#tell();
  }

  #tell(): void {
    const { chosen } = this;
    this.#summary.textContent =
      chosen === undefined ? this.#name : `${this.#name} ${chosen.size}/${this.#boxes.size}`;
    this.root.classList.toggle('narrowed', chosen !== undefined);
  }
}
