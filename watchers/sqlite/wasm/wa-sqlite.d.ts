/** What we use of WebAssembly, which Node's types leave to the browser's. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: object);
  }
}

/** What we use of the synchronous build; its own types are those of another, asynchronous layer. */
declare module 'wa-sqlite/dist/wa-sqlite.mjs' {
  export interface WaSqlite {
    /** The memory; another array after each growth. */
    readonly HEAPU8: Uint8Array;
    ccall(
      name: string,
      returns: 'number',
      types: readonly ('number' | 'string')[],
      values: readonly (number | string)[],
    ): number;
    registerVFS(files: object, isDefault: boolean): number;
    createAggregate(
      database: number,
      name: string,
      count: number,
      encoding: number,
      data: number,
      step: (context: number, values: Uint32Array) => void,
      final: (context: number) => void,
    ): number;
    UTF8ToString(pointer: number): string;
    /** The upper half of the 64-bit integer that the last call returned. */
    getTempRet0(): number;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    _sqlite3_errmsg(database: number): number;
    _sqlite3_close(database: number): number;
    _sqlite3_value_type(value: number): number;
    _sqlite3_value_int64(value: number): number;
    _sqlite3_value_double(value: number): number;
    _sqlite3_value_blob(value: number): number;
    _sqlite3_value_text(value: number): number;
    _sqlite3_value_bytes(value: number): number;
    _sqlite3_result_null(context: number): void;
  }

  export interface WaSqliteSettings {
    readonly locateFile: (name: string) => string;
    readonly instantiateWasm: (
      imports: object,
      ready: (instance: WebAssembly.Instance) => unknown,
    ) => unknown;
    readonly print: (line: string) => void;
    readonly printErr: (line: string) => void;
  }

  /** Fills the object with the functions above: at once, if the instance is ready at once. */
  function factory(settings: WaSqliteSettings): Promise<WaSqlite>;

  // biome-ignore lint/style/noDefaultExport: it is the package's.
  export { factory as default };
}
