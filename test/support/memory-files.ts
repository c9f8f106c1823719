import type { DirectoryEntry, FileStat, Io, OpenFile } from '../../src/io.js';

/** Whole small files in memory: what is written through `Io` is what is read. */
export class MemoryFiles implements Io {
  readonly #files: Map<string, Buffer>;
  readonly #gate: (what: string) => Promise<void>;

  /** The same files, with a gate before each listing of a folder. */
  constructor(shared?: MemoryFiles, gate: (what: string) => Promise<void> = async () => undefined) {
    this.#files = shared === undefined ? new Map() : shared.#files;
    this.#gate = gate;
  }

  /** All of them, for comparing. */
  contents(): readonly string[] {
    return [...this.#files].map(([path, data]) => `${path} ${data}`).sort();
  }

  async stat(path: string): Promise<FileStat | undefined> {
    const file = this.#files.get(path);
    const kind = file !== undefined ? 'file' : this.#isFolder(path) ? 'directory' : undefined;
    if (kind === undefined) return undefined;
    return { kind, dev: '1', ino: path, size: file?.length ?? 0, mtimeMs: 0, ctimeNs: '0' };
  }

  async open(): Promise<OpenFile | undefined> {
    throw new Error('not simulated');
  }

  async readdir(path: string): Promise<readonly DirectoryEntry[] | undefined> {
    await this.#gate(`readdir ${path}`);
    const entries = new Map<string, DirectoryEntry>();
    for (const name of this.#files.keys()) {
      if (!name.startsWith(`${path}/`)) continue;
      const [first = '', ...rest] = name.slice(path.length + 1).split('/');
      entries.set(first, { name: first, kind: rest.length === 0 ? 'file' : 'directory' });
    }
    return entries.size === 0 ? undefined : [...entries.values()];
  }

  async readFile(path: string): Promise<Buffer | undefined> {
    return this.#files.get(path);
  }

  async replaceFile(path: string, data: string | Uint8Array): Promise<void> {
    this.#files.set(path, Buffer.from(data));
  }

  async appendFile(path: string, data: string): Promise<void> {
    const before = this.#files.get(path) ?? Buffer.alloc(0);
    this.#files.set(path, Buffer.concat([before, Buffer.from(data)]));
  }

  async remove(path: string): Promise<void> {
    this.#files.delete(path);
  }

  #isFolder(path: string): boolean {
    return [...this.#files.keys()].some((name) => name.startsWith(`${path}/`));
  }
}
