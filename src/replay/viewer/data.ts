import type { PageHeader } from '../page/data.js';
import { runDataScript } from './data-script.js';

/** Decoded chunks kept in memory: what the user scrolls through, not the whole run. */
const mostKept = 24;

/** Where the data of a followed run is; `undefined` if the page contains it. */
export function runFolder(): string | undefined {
  return document.getElementById('run')?.dataset.folder;
}

/** Takes the data out of the page. */
export function runText(): string {
  const run = document.getElementById('run');
  run?.remove();
  return run?.textContent ?? '';
}

export async function parseHeader(text: string): Promise<PageHeader> {
  return JSON.parse(await inflate(text)) as PageHeader;
}

/** The lines of the run's streams, decompressed on demand. */
export class Lines {
  readonly #header: PageHeader;
  readonly #kept = new Map<number, Promise<readonly string[]>>();
  readonly #byStream = new Map<number, number[]>();
  readonly #arriving = new Map<string, string>();

  constructor(header: PageHeader) {
    this.#header = header;
    header.chunks.forEach(([stream], number) => {
      const numbers = this.#byStream.get(stream);
      if (numbers === undefined) this.#byStream.set(stream, [number]);
      else numbers.push(number);
    });
    if (header.sidecar === null) return;
    Object.assign(window, {
      tracecraftChunk: (name: string, text: string) => this.#arriving.set(name, text),
    });
  }

  /** Lines of a stream, `to` exclusive. */
  async range(stream: number, from: number, to: number): Promise<readonly string[]> {
    const wanted = (this.#byStream.get(stream) ?? []).filter((number) => {
      const [, first = 0, count = 0] = this.#header.chunks[number] ?? [];
      return first < to && first + count > from;
    });
    const lines: string[] = [];
    for (const number of wanted) {
      const first = this.#header.chunks[number]?.[1] ?? 0;
      const chunk = await this.#chunk(number);
      lines.push(...chunk.slice(Math.max(0, from - first), Math.max(0, to - first)));
    }
    return lines;
  }

  async line(stream: number, line: number): Promise<string | undefined> {
    return (await this.range(stream, line, line + 1))[0];
  }

  #chunk(number: number): Promise<readonly string[]> {
    const known = this.#kept.get(number);
    const lines = known ?? this.#decode(number);
    this.#kept.delete(number);
    this.#kept.set(number, lines);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= mostKept) break;
      this.#kept.delete(oldest);
    }
    return lines;
  }

  async #decode(number: number): Promise<readonly string[]> {
    const count = this.#header.chunks[number]?.[2] ?? 0;
    const lines = (await inflate(await this.#text(number))).split('\n');
    return lines.slice(0, count);
  }

  async #text(number: number): Promise<string> {
    const { sidecar, stamp } = this.#header;
    if (sidecar === null) return document.getElementById(`c${number}`)?.textContent ?? '';
    const name = `c${stamp}${number}`;
    await runDataScript(sidecar, `${name}.js`);
    const text = this.#arriving.get(name) ?? '';
    this.#arriving.delete(name);
    return text;
  }
}

async function inflate(base64: string): Promise<string> {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).text();
}
