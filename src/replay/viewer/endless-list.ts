/** Items added at once, and kept in the page. */
const step = 120;
const mostItems = 720;
/** Items shown before the one that was navigated to. */
const lead = 20;
/** Pixels kept free above it. */
const above = 12;

export interface ListSource {
  readonly count: number;
  /** One element per item, `to` exclusive. */
  make(from: number, to: number): Promise<readonly HTMLElement[]>;
}

/**
 * A scrolling list of any length that can begin anywhere; items are added before and after as the
 * user scrolls.
 */
export class EndlessList {
  readonly root: HTMLElement;
  readonly #onPlace: (item: number) => void;
  #source: ListSource = { count: 0, make: () => Promise.resolve([]) };
  #first = 0;
  #end = 0;
  #loading: Promise<void> = Promise.resolve();
  #turn = 0;

  /** `onPlace` receives the item at the top. */
  constructor(root: HTMLElement, onPlace: (item: number) => void) {
    this.root = root;
    this.#onPlace = onPlace;
    root.addEventListener('scroll', () => this.#scrolled());
  }

  async show(source: ListSource, item: number): Promise<void> {
    this.#source = source;
    await this.goTo(item);
  }

  async goTo(item: number): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    this.root.replaceChildren();
    this.#first = Math.max(0, Math.min(item, this.#source.count) - lead);
    this.#end = this.#first;
    await this.#append();
    if (turn !== this.#turn) return;
    const target = this.root.children[item - this.#first];
    if (target instanceof HTMLElement) {
      target.classList.add('target');
      this.root.scrollTop += topOf(target) - topOf(this.root) - above;
    }
    this.#tellPlace();
  }

  #scrolled(): void {
    this.#tellPlace();
    const { scrollTop, scrollHeight, clientHeight } = this.root;
    if (scrollTop + clientHeight > scrollHeight - 600) void this.#append();
    else if (scrollTop < 400) void this.#prepend();
  }

  #append(): Promise<void> {
    return this.#next(async (turn) => {
      const end = Math.min(this.#source.count, this.#end + step);
      const made = await this.#source.make(this.#end, end);
      if (turn !== this.#turn || end === this.#end) return;
      this.root.append(...made);
      this.#end = end;
      this.#drop('first');
    });
  }

  #prepend(): Promise<void> {
    return this.#next(async (turn) => {
      const first = Math.max(0, this.#first - step);
      const made = await this.#source.make(first, this.#first);
      if (turn !== this.#turn || first === this.#first) return;
      const before = this.root.scrollHeight;
      const { scrollTop } = this.root;
      this.root.prepend(...made);
      this.#first = first;
      this.root.scrollTop = scrollTop + this.root.scrollHeight - before;
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
    const { children } = this.root;
    while (children.length > mostItems) {
      const height = this.root.scrollHeight;
      const { scrollTop } = this.root;
      children[side === 'first' ? 0 : children.length - 1]?.remove();
      if (side === 'last') {
        this.#end -= 1;
        continue;
      }
      this.#first += 1;
      this.root.scrollTop = scrollTop - (height - this.root.scrollHeight);
    }
  }

  #tellPlace(): void {
    const top = topOf(this.root) + above + 1;
    const { children } = this.root;
    const index = [...children].findIndex((one) => one.getBoundingClientRect().bottom > top);
    this.#onPlace(this.#first + Math.max(0, index));
  }
}

function topOf(one: Element): number {
  return one.getBoundingClientRect().top;
}
