import { join } from 'node:path';
import * as v from 'valibot';
import type { TracecraftError } from '../../src/errors.js';
import type { Io, OpenFile } from '../../src/io.js';
import { longestFact, titleFact } from '../fact-text.js';
import { snapshotOf } from '../files/file-snapshot.js';
import { openRegular } from '../files/jsonl-file.js';
import { unreadable } from '../unreadable.js';

/** The newest names are at the end; whatever precedes this much of it is older than tens of thousands of others. */
const mostBytes = 4 << 20;

const entrySchema = v.object({ id: v.string(), thread_name: v.string() });

/**
 * The names users gave their threads: `session_index.jsonl`, append-only; the last entry for a thread counts. Read
 * again whenever it has changed.
 */
export class ThreadNames {
  readonly #io: Io;
  readonly #path: string;
  readonly #onUnreadable: (error: TracecraftError) => void;
  #token: string | undefined;
  #names: ReadonlyMap<string, string> = new Map();

  constructor(io: Io, home: string, onUnreadable: (error: TracecraftError) => void) {
    this.#io = io;
    this.#path = join(home, 'session_index.jsonl');
    this.#onUnreadable = onUnreadable;
  }

  of(threadId: string): string | undefined {
    return this.#names.get(threadId);
  }

  /** An unreadable index is reported, and the known names stay. */
  async refresh(): Promise<void> {
    try {
      const stat = await this.#io.stat(this.#path);
      const token = stat?.kind === 'file' ? snapshotOf(stat).token : undefined;
      if (token === this.#token) return;
      const bytes = await this.#read();
      this.#names = bytes === undefined ? new Map() : namesIn(bytes);
      this.#token = token;
    } catch (error) {
      this.#onUnreadable(unreadable(this.#path, error));
    }
  }

  async #read(): Promise<Buffer | undefined> {
    const file = await openRegular(this.#io, this.#path);
    if (file === undefined) return undefined;
    try {
      return await endOf(file);
    } finally {
      await file.close();
    }
  }
}

async function endOf(file: OpenFile): Promise<Buffer> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(Math.min(size, mostBytes));
  return bytes.subarray(0, await file.read(bytes, size - bytes.length));
}

/** A name too long to show whole is dropped: shortened, half a secret in it would no longer be recognised. */
function namesIn(bytes: Buffer): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const line of bytes.toString('utf8').split('\n')) {
    const entry = v.safeParse(entrySchema, parsed(line));
    if (!entry.success) continue;
    const { id, thread_name: name } = entry.output;
    if (name.length <= longestFact) names.set(id, titleFact(name));
    else names.delete(id);
  }
  return names;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
