import type { PageHeader } from '../page/data.js';
import type { Lines } from './data.js';
import { button, element, replace, shown } from './dom.js';
import { streamTitle } from './stream-title.js';
import { type SearchProgress, searchTranscripts, type TranscriptHit } from './transcript-search.js';

/** Milliseconds without a key before the transcripts are searched. */
const quietMs = 350;
const nothing: SearchProgress = { hits: [], share: 1, isCut: false };

/** Search results from the transcripts: a button with their number, and the list behind it. */
export class TranscriptHits {
  readonly button: HTMLButtonElement;
  readonly #header: PageHeader;
  readonly #lines: Lines;
  #stop = new AbortController();
  #progress = nothing;
  #words: readonly string[] = [];
  #list: HTMLElement | undefined;
  readonly #onPlace: (stream: number, line: number) => void;

  constructor(
    header: PageHeader,
    lines: Lines,
    actions: { onOpen(): void; onPlace(stream: number, line: number): void },
  ) {
    this.#header = header;
    this.#lines = lines;
    this.#onPlace = actions.onPlace;
    this.button = button('', { class: 'found', hidden: true }, () => actions.onOpen());
  }

  /** Starts a new search. */
  search(words: readonly string[]): void {
    if (words.join(' ') === this.#words.join(' ')) return;
    this.#words = words;
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#tell(nothing);
    const { signal } = this.#stop;
    const isEmpty = words.join('').length < 2 || this.#header.sessions.length === 0;
    this.button.hidden = isEmpty;
    if (isEmpty) return;
    this.button.textContent = 'Searching transcripts…';
    const start = (): void => {
      if (signal.aborted) return;
      const onProgress = (progress: SearchProgress): void => this.#tell(progress);
      void searchTranscripts(this.#header, this.#lines, words, onProgress, signal);
    };
    setTimeout(start, quietMs);
  }

  /** Shows the list, and updates it as the search continues. */
  show(into: HTMLElement): void {
    this.#list = element('div', { class: 'hits' });
    const title = `Transcripts with “${this.#words.join(' ')}”`;
    replace(into, element('h2', {}, shown(title)), this.#list);
    this.#fill();
  }

  #tell(progress: SearchProgress): void {
    const before = this.#progress.hits.length;
    this.#progress = progress;
    const { hits, share, isCut } = progress;
    const rest = share < 1 && !isCut ? `… ${Math.round(share * 100)} %` : '';
    this.button.textContent = `${hits.length}${isCut ? '+' : ''} in transcripts${rest}`;
    if (hits.length !== before || share === 1) this.#fill();
  }

  #fill(): void {
    if (this.#list === undefined) return;
    const { hits } = this.#progress;
    const none = element('p', { class: 'said' }, 'Nothing so far.');
    replace(this.#list, ...(hits.length === 0 ? [none] : hits.map((hit) => this.#hit(hit))));
  }

  #hit({ stream, line, role, excerpt }: TranscriptHit): HTMLElement {
    const session = this.#header.sessions.find(({ streams }) => streams.includes(stream));
    const title = streamTitle(this.#header, session, stream);
    const made = button('', { class: 'hit' }, () => this.#onPlace(stream, line));
    made.append(
      element('span', { class: 'name' }, shown(`${title} · ${role}`)),
      element('span', { class: 'text', dir: 'auto' }, shown(excerpt)),
    );
    return made;
  }
}
