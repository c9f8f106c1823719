import type { DirectoryEntry, FileStat, Io, OpenFile } from '../../src/io.js';

interface Inode {
  ino: number;
  content: Buffer;
  changes: number;
}

/**
 * A disk in memory with the parts of a real one that matter to tailing: inodes, open files that outlive their names,
 * in-place changes, and change counters instead of times. `gate` runs before every step, so a test may stop or fail any.
 */
export class MemoryDisk {
  readonly #names = new Map<string, Inode>();
  #nextIno = 1;
  #changes = 1;

  read(path: string): Buffer | undefined {
    return this.#names.get(path)?.content;
  }

  /** A new file under this name, as by writing a temporary one and renaming it. */
  replace(path: string, content: Buffer): void {
    this.#nextIno += 1;
    this.#names.set(path, { ino: this.#nextIno, content, changes: this.#tick() });
  }

  append(path: string, more: Buffer): void {
    const inode = this.#names.get(path);
    if (inode === undefined) {
      this.replace(path, more);
      return;
    }
    this.overwrite(path, Buffer.concat([inode.content, more]));
  }

  /** Same inode, other content: truncation, edits in place. */
  overwrite(path: string, content: Buffer): void {
    const inode = this.#names.get(path);
    if (inode === undefined) {
      this.replace(path, content);
      return;
    }
    inode.content = content;
    inode.changes = this.#tick();
  }

  delete(prefix: string): void {
    for (const path of this.#names.keys()) if (path.startsWith(prefix)) this.#names.delete(path);
  }

  snapshot(prefix: string): ReadonlyMap<string, Buffer> {
    return new Map(
      [...this.#names]
        .filter(([path]) => path.startsWith(prefix))
        .map(([path, { content }]) => [path, content]),
    );
  }

  restore(prefix: string, snapshot: ReadonlyMap<string, Buffer>): void {
    this.delete(prefix);
    for (const [path, content] of snapshot) this.replace(path, content);
  }

  io(gate: (step: string) => Promise<void> = async () => undefined): Io {
    const stat = (inode: Inode): FileStat => ({
      kind: 'file',
      dev: '1',
      ino: String(inode.ino),
      size: inode.content.length,
      mtimeMs: inode.changes,
      ctimeNs: String(inode.changes),
    });
    const open = (inode: Inode): OpenFile => ({
      stat: async () => {
        await gate('fstat');
        return stat(inode);
      },
      read: async (into, position) => {
        await gate('read');
        const from = Math.min(position, inode.content.length);
        return inode.content.copy(into, 0, from, from + into.byteLength);
      },
      close: async () => undefined,
    });
    return {
      stat: async (path) => {
        await gate('stat');
        const inode = this.#names.get(path);
        return inode === undefined ? undefined : stat(inode);
      },
      open: async (path) => {
        await gate('open');
        const inode = this.#names.get(path);
        return inode === undefined ? undefined : open(inode);
      },
      readdir: async (path) => {
        await gate('readdir');
        return this.#children(path);
      },
      readFile: async (path) => {
        await gate('readFile');
        return this.#names.get(path)?.content;
      },
      replaceFile: async (path, data) => {
        await gate('replaceFile');
        this.replace(path, Buffer.from(data));
      },
      appendFile: async (path, data) => {
        await gate('appendFile');
        this.append(path, Buffer.from(data));
      },
      remove: async (path) => {
        await gate('remove');
        this.delete(path);
      },
    };
  }

  #children(folder: string): readonly DirectoryEntry[] | undefined {
    const prefix = folder.endsWith('/') ? folder : `${folder}/`;
    const entries = new Map<string, DirectoryEntry>();
    for (const path of this.#names.keys()) {
      if (!path.startsWith(prefix)) continue;
      const [name = '', ...below] = path.slice(prefix.length).split('/');
      entries.set(name, { name, kind: below.length === 0 ? 'file' : 'directory' });
    }
    return entries.size === 0 ? undefined : [...entries.values()];
  }

  #tick(): number {
    this.#changes += 1;
    return this.#changes;
  }
}
