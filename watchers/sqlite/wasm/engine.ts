import type { WaSqlite, WaSqliteSettings } from 'wa-sqlite/dist/wa-sqlite.mjs';
import type { Cell } from '../library.js';
import { ReadOnlyFiles } from './read-only-files.js';

type Factory = (settings: WaSqliteSettings) => unknown;

/** A memory never shrinks: an engine that has grown beyond this is given up after use. */
const mostBytes = 64 * 1024 * 1024;
const utf8 = 1;
const anyCount = -1;
const types = { integer: 1, real: 2, text: 3, blob: 4 } as const;
const texts = new TextDecoder('utf-8', { ignoreBOM: true });

/** One instance of SQLite with its memory. */
export class Engine {
  readonly sqlite: WaSqlite;
  readonly files = new ReadOnlyFiles();
  #onRow: (cells: readonly Cell[]) => void = () => undefined;
  #trouble: { readonly error: unknown } | undefined;
  #hasAggregate = false;
  #isBroken = false;

  constructor(factory: Factory, binary: WebAssembly.Module) {
    this.sqlite = instantiated(factory, binary);
    this.sqlite.registerVFS(this.files, false);
  }

  /** Whether another database may be opened in it. */
  get isFit(): boolean {
    return !this.#isBroken && this.sqlite.HEAPU8.byteLength <= mostBytes;
  }

  /** A result code, and the connection that must be closed whatever the code is. */
  open(uri: string, flags: number): { readonly result: number; readonly handle: number } {
    const { sqlite } = this;
    const out = sqlite._malloc(4);
    const result = this.#guarded(() =>
      sqlite.ccall(
        'sqlite3_open_v2',
        'number',
        ['string', 'number', 'number', 'string'],
        [uri, out, flags, this.files.name],
      ),
    );
    const handle = new DataView(sqlite.HEAPU8.buffer).getUint32(out, true);
    sqlite._free(out);
    return { result, handle };
  }

  close(database: number): void {
    if (!this.#isBroken) this.#guarded(() => this.sqlite._sqlite3_close(database));
  }

  message(database: number): string {
    return this.sqlite.UTF8ToString(this.sqlite._sqlite3_errmsg(database));
  }

  /** Runs statements whose calls of the aggregate function give their arguments to `onRow`; returns a result code. */
  run(database: number, sql: string, onRow: (cells: readonly Cell[]) => void): number {
    const outer = this.#onRow;
    this.#onRow = onRow;
    this.#trouble = undefined;
    const text = this.#copied(sql);
    try {
      const result = this.#guarded(() =>
        this.sqlite.ccall(
          'sqlite3_exec',
          'number',
          ['number', 'number', 'number', 'number', 'number'],
          [database, text, 0, 0, 0],
        ),
      );
      this.#throwTrouble();
      return result;
    } finally {
      this.#onRow = outer;
      if (!this.#isBroken) this.sqlite._free(text);
    }
  }

  /**
   * Adds the aggregate function to a database. The library keeps every function it is given for as long as it lives, so
   * it is given one, the first, whose key is 0.
   */
  addAggregate(database: number, name: string): number {
    if (this.#hasAggregate) {
      return this.sqlite.ccall(
        'create_function',
        'number',
        ['number', 'string', 'number', 'number', 'number', 'number'],
        [database, name, anyCount, utf8, 0, 1],
      );
    }
    this.#hasAggregate = true;
    return this.sqlite.createAggregate(
      database,
      name,
      anyCount,
      utf8,
      0,
      (_context, values) => this.#step(values),
      (context) => this.sqlite._sqlite3_result_null(context),
    );
  }

  /** An exception from inside SQLite leaves its memory in an unknown state. */
  #guarded<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  #step(values: Uint32Array): void {
    // The rest of the rows is counted through without a look.
    if (this.#trouble !== undefined) return;
    try {
      this.#onRow(Array.from(values, (value) => this.#cell(value)));
    } catch (error) {
      this.#trouble = { error };
    }
  }

  #throwTrouble(): void {
    if (this.#trouble !== undefined) throw this.#trouble.error;
  }

  #cell(value: number): Cell {
    const { sqlite } = this;
    switch (sqlite._sqlite3_value_type(value)) {
      case types.integer: {
        const low = sqlite._sqlite3_value_int64(value) >>> 0;
        return integer(sqlite.getTempRet0() | 0, low);
      }
      case types.real:
        return sqlite._sqlite3_value_double(value);
      case types.text: {
        const start = sqlite._sqlite3_value_text(value);
        return texts.decode(this.#bytes(start, value));
      }
      case types.blob: {
        const start = sqlite._sqlite3_value_blob(value);
        return this.#bytes(start, value).slice();
      }
      default:
        return null;
    }
  }

  #bytes(start: number, value: number): Uint8Array {
    const length = this.sqlite._sqlite3_value_bytes(value);
    return this.sqlite.HEAPU8.subarray(start >>> 0, (start >>> 0) + length);
  }

  /** The text with a NUL at its end, in SQLite's memory. */
  #copied(text: string): number {
    const bytes = Buffer.from(`${text}\0`);
    const start = this.sqlite._malloc(bytes.length);
    if (start === 0) throw new RangeError(`no memory for a statement of ${bytes.length} bytes`);
    this.sqlite.HEAPU8.set(bytes, start >>> 0);
    return start;
  }
}

function instantiated(factory: Factory, binary: WebAssembly.Module): WaSqlite {
  const silent = (): void => undefined;
  const sqlite = {
    locateFile: (name: string) => name,
    instantiateWasm: (imports: object, ready: (instance: WebAssembly.Instance) => unknown) =>
      ready(new WebAssembly.Instance(binary, imports)),
    print: silent,
    printErr: silent,
  };
  factory(sqlite);
  if (!isFilled(sqlite)) throw new Error('SQLite did not start');
  return sqlite;
}

function isFilled(sqlite: object): sqlite is WaSqlite {
  return 'registerVFS' in sqlite && 'calledRun' in sqlite;
}

/** A bigint if a number cannot hold it exactly. */
function integer(high: number, low: number): number | bigint {
  const number = high * 2 ** 32 + low;
  return Number.isSafeInteger(number) ? number : (BigInt(high) << 32n) | BigInt(low);
}
