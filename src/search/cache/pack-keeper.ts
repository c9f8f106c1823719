import { completeLines } from '../../mirror/lines.js';
import type { WalkedPart } from '../../mirror/slots/reader.js';
import type { PlacedRow } from '../pack/block.js';
import { shortId } from '../pack/block.js';
import { PackWriter } from '../pack/pack-writer.js';
import { rowIn } from '../row.js';
import type { PackFolder } from './pack-folder.js';

/** Text of a pack: more would take too much memory to build. */
const fullSize = 32 * 1024 * 1024;
/** A part larger than this is read faster than it is packed. */
const mostPartBytes = 32 * 1024 * 1024;
/** Cutting up a longer text takes too much memory. */
const longestText = 1024 * 1024;
/** Less is not worth a pack. */
const fewBytes = 512 * 1024;
const fewParts = 16;
/** What was written just now may be written again within the same tick of the store's clock. */
const settledMs = 2_000;

interface Keeping {
  readonly folder: PackFolder;
  /** The project's folder in the bucket. */
  readonly root: string;
  readonly nowMs: number;
  /** Keep even what is read again as quickly as a pack is opened. */
  readonly isThorough: boolean;
}

/**
 * Makes packs of parts as they are read. What fails, for want of space or rights, is not kept: the
 * next search reads it again.
 */
export class PackKeeper {
  readonly #keeping: Keeping;
  readonly #writing: Promise<void>[] = [];
  #writer = new PackWriter();
  #failure: Error | undefined;

  constructor(keeping: Keeping) {
    this.#keeping = keeping;
  }

  /** Why nothing more is kept. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  add(harness: string, { key, startLine, endLine, entry, body }: WalkedPart): void {
    const { root, nowMs } = this.#keeping;
    if (this.#failure !== undefined || entry === undefined || body === undefined) return;
    const { size, modifiedAt, md5 = '' } = entry;
    const modifiedMs = modifiedAt.getTime();
    if (body.length !== size || size > mostPartBytes || modifiedMs > nowMs - settledMs) return;
    const cut = key.lastIndexOf('/') + 1;
    const [prefix, name] = [key.slice(root.length, cut), key.slice(cut)];
    const part = { prefix, name, size, modifiedMs, md5, startLine, endLine };
    const rows = [...rowsIn(harness, body, startLine)];
    if (rows.some(({ text }) => text.length > longestText)) return;
    this.#writer.add(part, rows);
    if (this.#writer.textSize >= fullSize) this.#write();
  }

  /** Writes what is worth keeping. */
  async close(): Promise<void> {
    const { parts, partBytes } = this.#writer;
    const isMuch = partBytes >= fewBytes || parts >= fewParts;
    if (isMuch || (this.#keeping.isThorough && parts > 0)) this.#write();
    await Promise.all(this.#writing);
  }

  #write(): void {
    const bytes = this.#writer.finish();
    this.#writer = new PackWriter();
    const writing = this.#keeping.folder.write(bytes).catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
    this.#writing.push(writing);
  }
}

function* rowsIn(harness: string, body: Buffer, startLine: number): Iterable<PlacedRow> {
  for (const [line, bytes] of completeLines(body).entries()) {
    const row = rowIn(harness, bytes.toString('utf8', 0, bytes.length - 1));
    if (row === undefined) continue;
    const id = row.id === undefined ? undefined : shortId(row.id);
    yield { ...row, id, line: startLine + line };
  }
}
