import { closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AggregateOptions, Database } from '../library.js';
import type { Engine } from './engine.js';
import { resultCodes, SqliteError } from './error.js';
import { type DatabaseState, openFile, stateOf } from './state.js';

/** https://www.sqlite.org/c3ref/c_open_autoproxy.html: READONLY or READWRITE and CREATE, with URI and EXRESCODE. */
const readOnly = 0x2000041;
const inMemory = 0x2000046;

/** A database in a file, held open so that its inode is given to no other file. */
interface Source {
  readonly path: string;
  readonly file: number;
  readonly before: DatabaseState;
}

/**
 * A database read without locks. What was read counts only if `close` succeeds: it fails if the database may have
 * changed meanwhile, as does opening one that is just being changed, both with a code that stands for another try.
 *
 * SQLite reads a write-ahead log without its shared index if no other connection may use the database
 * (https://www.sqlite.org/wal.html#noshm), which it believes us, since all locks are granted.
 */
export class LockFreeDatabase implements Database {
  readonly #engine: Engine;
  readonly #handle: number;
  readonly #source: Source | undefined;
  readonly #close: () => void;
  #step: AggregateOptions['step'] = () => null;

  /** A path, a URL of a file with what SQLite understands after its `?`, or `:memory:`. */
  constructor(engine: Engine, place: string) {
    this.#engine = engine;
    const { path, query } = partsOf(place);
    this.#source = place === ':memory:' ? undefined : opened(path);
    const name = this.#source === undefined ? place : engine.files.add(path, this.#source.file);
    const uri = this.#source === undefined ? place : `file:${name}${query}`;
    const { result, handle } = engine.open(uri, this.#source === undefined ? inMemory : readOnly);
    this.#handle = handle;
    this.#close = () => {
      engine.close(handle);
      engine.files.remove(name);
      if (this.#source !== undefined) closeSync(this.#source.file);
    };
    try {
      this.#check(result);
      this.exec('PRAGMA locking_mode = EXCLUSIVE');
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  exec(sql: string): void {
    this.#check(this.#engine.run(this.#handle, sql, (cells) => this.#step(null, ...cells)));
  }

  aggregate(name: string, { step }: AggregateOptions): void {
    this.#step = step;
    this.#check(this.#engine.addAggregate(this.#handle, name));
  }

  close(): void {
    // Before its files are closed, so that no new one has their inodes.
    const isOneState = this.#source === undefined || isUnchanged(this.#source);
    this.#close();
    if (!isOneState) throw changing('the database changed while it was read');
  }

  #check(result: number): void {
    if (result === resultCodes.ok) return;
    throw new SqliteError(result, this.#engine.message(this.#handle));
  }
}

function partsOf(place: string): { readonly path: string; readonly query: string } {
  if (!place.startsWith('file:')) return { path: place, query: '' };
  const url = new URL(place);
  return { path: fileURLToPath(url), query: url.search };
}

function opened(path: string): Source {
  const file = openedFile(path);
  try {
    const before = settledState(path, file);
    if (before.isInChange) throw changing('the database is locked: a change of it is not finished');
    if (before.settlesInMs > 0) throw changing('the database is written just now');
    return { path, file, before };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Blocks the thread for at most a tick of file times, as SQLite does while it waits for a lock. */
function settledState(path: string, file: number): DatabaseState {
  const state = stateOf(path, file);
  if (state.isInChange || state.settlesInMs === 0) return state;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, state.settlesInMs);
  return stateOf(path, file);
}

function openedFile(path: string): number {
  try {
    return openFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new SqliteError(resultCodes.cannotOpen, `unable to open database file (${code})`);
  }
}

function isUnchanged({ path, file, before }: Source): boolean {
  const after = stateOf(path, file);
  return after.token === before.token && !after.isInChange;
}

function changing(message: string): SqliteError {
  return new SqliteError(resultCodes.busySnapshot, message);
}
