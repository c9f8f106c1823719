import type { TracecraftError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import { isBelow } from '../files/directory-listings.js';
import { snapshotOf } from '../files/file-snapshot.js';
import { JsonFieldScan } from '../files/json-field-scan.js';
import { openRegular } from '../files/jsonl-file.js';
import { unreadable } from '../unreadable.js';
import { isSessionId } from './layout.js';

/** What a file said when last examined. */
interface Answer {
  readonly token: string;
  readonly sessionId: string | undefined;
}

const peekBytes = 64 * 1024;
const sessionIdBytes = 64;
const skim = new JsonFieldScan(['sessionId']);

/**
 * Finds the session of sub-agent transcripts that are next to the sessions: their first rows name the session that
 * started them.
 */
export class OrphanSubagents {
  readonly #io: Io;
  readonly #onUnreadable: (error: TracecraftError) => void;
  readonly #answers = new Map<string, Answer>();

  constructor(io: Io, onUnreadable: (error: TracecraftError) => void) {
    this.#io = io;
    this.#onUnreadable = onUnreadable;
  }

  /** `undefined` while no row in the first 64 KiB names it; asked again only after the file has changed. */
  async sessionOf(path: string): Promise<string | undefined> {
    try {
      const stat = await this.#io.stat(path);
      if (stat?.kind !== 'file') return undefined;
      const { token } = snapshotOf(stat);
      const before = this.#answers.get(path);
      if (before?.token === token) return before.sessionId;
      const sessionId = await this.#peek(path);
      this.#answers.set(path, { token, sessionId });
      return sessionId;
    } catch (error) {
      this.#onUnreadable(unreadable(path, error));
      return undefined;
    }
  }

  /** Forgets every file below a folder except the given ones. */
  keepOnly(root: string, paths: ReadonlySet<string>): void {
    for (const path of this.#answers.keys()) {
      if (isBelow(path, root) && !paths.has(path)) this.#answers.delete(path);
    }
  }

  async #peek(path: string): Promise<string | undefined> {
    const file = await openRegular(this.#io, path);
    if (file === undefined) return undefined;
    try {
      const buffer = Buffer.allocUnsafe(peekBytes);
      return sessionIn(buffer.subarray(0, await file.read(buffer, 0)));
    } finally {
      await file.close();
    }
  }
}

/** The first session id in any row; the last row may be cut off, and then counts only as far as its start. */
function sessionIn(bytes: Buffer): string | undefined {
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    skim.forward(bytes.subarray(start, end), peekBytes);
    const id = skim.text(0, sessionIdBytes);
    if (id !== undefined && isSessionId(id)) return id;
    start = end;
  }
  return undefined;
}
