import { wordOf } from '../timeline/entry.js';
import { button, element, replace, shown } from './dom.js';
import type { Entries } from './entries.js';
import { type Filter, none, wordsOf } from './entry-filter.js';

export interface FilterState {
  readonly query: string;
  readonly agents: readonly string[] | undefined;
  readonly types: readonly string[] | undefined;
  readonly steps: readonly string[] | undefined;
}

/** The search field and the three filter lists. */
export class Filters {
  readonly search = element('input', {
    type: 'search',
    placeholder: 'Search events, transcripts ( / )',
    'aria-label': 'Search events and transcripts',
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
      chosen === undefined || chosen.size > mostKept ? undefined : [...chosen],
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

/** The most names a URL can hold. */
const mostKept = 2_000;
/** The most check boxes in a list: nobody reads more, and the search field finds the rest. */
const mostBoxes = 500;

/** A list of check boxes, created when first opened. */
class Choice {
  readonly root: HTMLDetailsElement;
  readonly #values: readonly string[];
  readonly #options = element('div', { class: 'options' });
  readonly #summary: HTMLElement;
  readonly #name: string;
  readonly #labelOf: (value: string) => string;
  readonly #onChange: () => void;
  /** `undefined`: all of them. */
  #chosen: ReadonlySet<string> | undefined;

  constructor(
    name: string,
    values: readonly string[],
    labelOf: (value: string) => string,
    onChange: () => void,
  ) {
    this.#name = name;
    this.#values = values;
    this.#labelOf = labelOf;
    this.#onChange = onChange;
    this.#summary = element('summary', {}, name);
    this.root = element('details', { class: 'choice' }, this.#summary, this.#options);
    this.root.addEventListener('toggle', () => this.#fill());
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

  get chosen(): ReadonlySet<string> | undefined {
    return this.#chosen;
  }

  choose(values: ReadonlySet<string> | undefined): void {
    const isAll = values === undefined || values.size >= this.#values.length;
    this.#chosen = isAll ? undefined : values;
    this.#tell();
    this.#fill();
  }

  #fill(): void {
    if (!this.root.open) return;
    const change = (values: ReadonlySet<string> | undefined): void => {
      this.choose(values);
      this.#onChange();
    };
    const all = button('all', { class: 'link' }, () => change(undefined));
    const nothing = button('none', { class: 'link' }, () => change(new Set()));
    const rest = this.#values.length - mostBoxes;
    const more = `and ${rest.toLocaleString('en')} more: the search finds them`;
    replace(
      this.#options,
      element('div', { class: 'every' }, all, nothing),
      ...this.#values.slice(0, mostBoxes).map((value) => this.#box(value)),
      rest > 0 ? element('p', {}, more) : undefined,
    );
  }

  #box(value: string): HTMLElement {
    const isChosen = this.#chosen === undefined || this.#chosen.has(value);
    const box = element('input', { type: 'checkbox', checked: isChosen });
    box.addEventListener('change', () => {
      const chosen = new Set(this.#chosen ?? this.#values);
      if (box.checked) chosen.add(value);
      else chosen.delete(value);
      this.#chosen = chosen.size === this.#values.length ? undefined : chosen;
      this.#tell();
      this.#onChange();
    });
    return element('label', {}, box, shown(this.#labelOf(value)));
  }

  #tell(): void {
    const chosen = this.#chosen;
    this.#summary.textContent =
      chosen === undefined ? this.#name : `${this.#name} ${chosen.size}/${this.#values.length}`;
    this.root.classList.toggle('narrowed', chosen !== undefined);
  }
}
