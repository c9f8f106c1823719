export interface HubFile {
  readonly path: string;
  readonly size: number;
  readonly xetHash: string;
  /** ISO 8601. */
  readonly uploadedAt: string;
}

/** One bucket of the loopback Hub. */
export class BucketState {
  readonly id: string;
  isPrivate: boolean;
  readonly createdAt = new Date().toISOString();
  updatedAt = this.createdAt;
  readonly files = new Map<string, HubFile>();

  constructor(id: string, isPrivate: boolean) {
    this.id = id;
    this.isPrivate = isPrivate;
  }

  info(): object {
    const files = [...this.files.values()];
    return {
      id: this.id,
      private: this.isPrivate,
      createdAt: this.createdAt,
      updatedAt: this.updatedAt,
      size: files.reduce((sum, { size }) => sum + size, 0),
      totalFiles: files.length,
    };
  }

  put(file: Omit<HubFile, 'uploadedAt'>): void {
    this.#touch();
    this.files.set(file.path, { ...file, uploadedAt: this.updatedAt });
  }

  delete(path: string): void {
    this.#touch();
    this.files.delete(path);
  }

  /**
   * What lies at and below a prefix, which is text and no folder: `log` finds `logs/a` as well. Not recursive: the folders
   * right below it, and files. In an order of its own.
   */
  tree(prefix: string, isRecursive: boolean): object[] {
    const files = [...this.files.values()].filter(({ path }) => path.startsWith(prefix)).reverse();
    if (isRecursive) return files.map((file) => ({ type: 'file', ...file }));
    const from = prefix === '' || prefix.endsWith('/') ? prefix.length : prefix.length + 1;
    const folders = new Map<string, object>();
    const entries: object[] = [];
    for (const file of files) {
      const end = file.path.indexOf('/', from);
      if (end === -1) {
        entries.push({ type: 'file', ...file });
        continue;
      }
      const path = file.path.slice(0, end);
      const { uploadedAt } = file;
      if (!folders.has(path)) folders.set(path, { type: 'directory', path, size: 0, uploadedAt });
    }
    return [...entries, ...folders.values()];
  }

  #touch(): void {
    this.updatedAt = new Date().toISOString();
  }
}
