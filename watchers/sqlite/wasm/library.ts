import { readFileSync } from 'node:fs';
import factory from 'wa-sqlite/dist/wa-sqlite.mjs';
import type { SqliteLibrary } from '../library.js';
import { binaryPath } from './binary.js';
import { LockFreeDatabase } from './database.js';
import { Engine } from './engine.js';

/** SQLite as WebAssembly, compiled once. Fails if its file is not there. */
export function wasmSqlite(): SqliteLibrary {
  library ??= newLibrary();
  return library;
}

let library: SqliteLibrary | undefined;

function newLibrary(): SqliteLibrary {
  const binary = new WebAssembly.Module(readFileSync(binaryPath()));
  let engine: Engine | undefined;
  function usable(): Engine {
    if (engine?.isFit !== true) engine = new Engine(factory, binary);
    return engine;
  }
  return {
    DatabaseSync: class extends LockFreeDatabase {
      constructor(path: string) {
        super(usable(), path);
      }
    },
  };
}
