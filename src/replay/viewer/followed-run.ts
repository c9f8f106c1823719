import type { PageHeader } from '../page/data.js';
import { parseHeader } from './data.js';
import { runDataScript } from './data-script.js';

export interface FollowInput {
  /** The user is in the middle of something. */
  isBusy(): boolean;
  onHeader(header: PageHeader): void;
}

/** The shortest polling interval, however often the page is rewritten. */
const leastMs = 1_000;

/**
 * A run that is still in progress: its data is in a file next to the page, which is reread regularly.
 * When that file is gone the run has ended, and the page itself has everything.
 */
export class FollowedRun {
  readonly #folder: string;
  readonly #input: FollowInput;
  #text = '';
  #reads = 0;

  constructor(folder: string, input: FollowInput) {
    this.#folder = folder;
    this.#input = input;
  }

  async start(): Promise<void> {
    const header = await this.#read();
    if (header === undefined) throw new Error('there is no data next to this page yet');
    this.#input.onHeader(header);
    this.#wait(header);
  }

  #wait({ followMs }: Pick<PageHeader, 'followMs'>): void {
    setTimeout(() => void this.#again(), Math.max(leastMs, followMs ?? leastMs));
  }

  async #again(): Promise<void> {
    let header: PageHeader | undefined;
    try {
      header = await this.#read();
    } catch {
      location.reload();
      return;
    }
    if (header !== undefined && !this.#input.isBusy()) this.#input.onHeader(header);
    else if (header !== undefined) this.#text = '';
    this.#wait(header ?? { followMs: leastMs });
  }

  /** `undefined` if it is unchanged. */
  async #read(): Promise<PageHeader | undefined> {
    let text = '';
    Object.assign(window, {
      tracecraftRun: (arrived: string) => {
        text = arrived;
      },
    });
    this.#reads += 1;
    await runDataScript(this.#folder, `run.js?${this.#reads}`);
    if (text === this.#text) return undefined;
    this.#text = text;
    return parseHeader(text);
  }
}
