/** What we use of `node:sqlite`. */
export interface SqliteLibrary {
  readonly DatabaseSync: new (path: string, options: OpenOptions) => Database;
}

export interface OpenOptions {
  readonly readOnly: boolean;
  /** How long it waits for another program's lock, in ms. */
  readonly timeout: number;
}

export interface Database {
  exec(sql: string): void;
  aggregate(name: string, options: AggregateOptions): void;
  /** Of the WebAssembly build, it fails if what was read may not be one state: then none of it counts. */
  close(): void;
}

export interface AggregateOptions {
  readonly start: null;
  readonly varargs: true;
  readonly useBigIntArguments: true;
  /** Integers may also come as numbers, if a number holds them exactly. */
  readonly step: (state: null, ...cells: readonly Cell[]) => null;
  readonly result: () => null;
}

export type Cell = null | number | bigint | string | Uint8Array;

/**
 * Node's own SQLite if it has what reading needs (aggregate functions: Node 22.16 and 24.0), else a WebAssembly build
 * with the same interface. Fails if that does not load.
 */
export async function loadSqlite(): Promise<SqliteLibrary> {
  return ownSqlite() ?? (await import('./wasm/library.js')).wasmSqlite();
}

function ownSqlite(): SqliteLibrary | undefined {
  const module: unknown = withoutWarnings(() => process.getBuiltinModule('node:sqlite'));
  return isLibrary(module) ? module : undefined;
}

function isLibrary(module: unknown): module is SqliteLibrary {
  if (typeof module !== 'object' || module === null || !('DatabaseSync' in module)) return false;
  const { DatabaseSync } = module;
  return typeof DatabaseSync === 'function' && 'aggregate' in Object(DatabaseSync.prototype);
}

/** Some versions of Node warn at the first load that the module is experimental; users can do nothing about that. */
function withoutWarnings<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
