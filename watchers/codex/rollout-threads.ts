import type { TracecraftError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import { isBelow } from '../files/directory-listings.js';
import { snapshotOf } from '../files/file-snapshot.js';
import { JsonFieldScan } from '../files/json-field-scan.js';
import { headOfPackable, statPackable } from '../files/packable-file.js';
import { unreadable } from '../unreadable.js';
import { isThreadId, type RolloutName } from './layout.js';

const firstPeekBytes = 4 * 1024;
const lastPeekBytes = 64 * 1024;
const newline = 0x0a;

const skim = new JsonFieldScan(['type', 'record_type', 'id', 'timestamp', 'payload.id']);
const field = { type: 0, recordType: 1, id: 2, timestamp: 3, payloadId: 4 } as const;

/**
 * Finds the thread of each rollout: the first `session_meta` row names it (later ones are history copied from
 * elsewhere); releases before 0.32 began with a bare `{id, timestamp, …}`. Without either, the file's name counts.
 */
export class RolloutThreads {
  readonly #io: Io;
  readonly #onUnreadable: (error: TracecraftError) => void;
  /** What a file looked like that did not say yet. */
  readonly #undecided = new Map<string, string>();

  constructor(io: Io, onUnreadable: (error: TracecraftError) => void) {
    this.#io = io;
    this.#onUnreadable = onUnreadable;
  }

  /** `undefined` while no complete line in the file can tell; asked again only after the file has changed. */
  async threadOf(path: string, name: RolloutName): Promise<string | undefined> {
    try {
      const stat = await statPackable(this.#io, path);
      if (stat === undefined) return undefined;
      const { token } = snapshotOf(stat);
      if (this.#undecided.get(path) === token) return undefined;
      const thread = await this.#peek(path, name);
      if (thread === undefined) this.#undecided.set(path, token);
      else this.#undecided.delete(path);
      return thread;
    } catch (error) {
      this.#onUnreadable(unreadable(path, error));
      return undefined;
    }
  }

  /** Forgets every file below a folder except the given ones. */
  keepOnly(root: string, paths: ReadonlySet<string>): void {
    for (const path of this.#undecided.keys()) {
      if (isBelow(path, root) && !paths.has(path)) this.#undecided.delete(path);
    }
  }

  async #peek(path: string, name: RolloutName): Promise<string | undefined> {
    const head = await headOfPackable(this.#io, path, firstPeekBytes);
    const early = head === undefined ? undefined : threadIn(head);
    if (early !== undefined || head === undefined) return early;
    const isAll = head.length < firstPeekBytes;
    const more = isAll ? head : await headOfPackable(this.#io, path, lastPeekBytes);
    if (more === undefined) return undefined;
    const isSaidNowhere = more.includes(newline) || more.length >= lastPeekBytes;
    return threadIn(more) ?? (isSaidNowhere ? name.threadId : undefined);
  }
}

/** The last row may be cut off, and then counts only as far as its start. */
function threadIn(bytes: Buffer): string | undefined {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(newline, start) + 1 || bytes.length;
    skim.forward(bytes.subarray(start, end), lastPeekBytes);
    const id = idOfRow(start === 0);
    if (isThreadId(id)) return id;
    start = end;
  }
  return undefined;
}

function idOfRow(isFirst: boolean): string | undefined {
  if (skim.is(field.type, 'session_meta')) return skim.text(field.payloadId, 1024);
  const mayBeBare = isFirst && !hasField(field.type) && !hasField(field.recordType);
  return mayBeBare && hasField(field.timestamp) ? skim.text(field.id, 1024) : undefined;
}

function hasField(index: number): boolean {
  return (skim.found & (1 << index)) !== 0;
}
