import type { PageHeader } from '../page/data.js';

/** Decoded chunks kept: what the user scrolls through, not the whole run. */
const mostKept = 24;

export async function readHeader(): Promise<PageHeader> {
  const text = await inflate(document.getElementById('run')?.textContent ?? '');
  document.getElementById('run')?.remove();
  return JSON.parse(text) as PageHeader;
}

/** The lines of the run's streams, decompressed on demand. */
export class Lines {
  readonly #header: PageHeader;
  readonly #kept = new Map<number, Promise<readonly string[]>>();
  readonly #byStream = new Map<number, number[]>();
  readonly #arriving = new Map<number, (text: string) => void>();

  constructor(header: PageHeader) {
    this.#header = header;
    header.chunks.forEach(([stream], number) => {
      const numbers = this.#byStream.get(stream);
      if (numbers === undefined) this.#byStream.set(stream, [number]);
      else numbers.push(number);
    });
    if (header.sidecar === null) return;
    Object.assign(window, {
      tracecraftChunk: (number: number, text: string) => this.#arriving.get(number)?.(text),
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

  #text(number: number): Promise<string> {
    const { sidecar } = this.#header;
    if (sidecar === null) {
      return Promise.resolve(document.getElementById(`c${number}`)?.textContent ?? '');
    }
    return new Promise((resolve, reject) => {
      const script = document.createElement('script');
      const finish = (): void => {
        this.#arriving.delete(number);
        script.remove();
      };
      this.#arriving.set(number, (text) => {
        finish();
        resolve(text);
      });
      script.onerror = () => {
        finish();
        reject(new Error(`the file ${sidecar}/c${number}.js is not beside this page`));
      };
      script.src = `${encodeURIComponent(sidecar)}/c${number}.js`;
      document.head.append(script);
    });
  }
}

async function inflate(base64: string): Promise<string> {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).text();
}
