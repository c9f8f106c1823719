import type { WalkedPart } from '../../mirror/slots/reader.js';
import type { PlacedRow } from '../pack/block.js';
import { PackWriter } from '../pack/pack-writer.js';
import { packedPart } from '../pack/packed-part.js';
import { longestText, mostPartBytes, rowsIn, settledMs } from '../packed-rows.js';

/** Text of a pack: more would take too much memory to build. */
const fullSize = 32 * 1024 * 1024;
/** Less is not worth a pack. */
export const fewBytes = 512 * 1024;
export const fewParts = 16;
/** Where packs are kept. */
export interface PackShelf {
  write(bytes: Buffer): Promise<unknown>;
}

interface Keeping {
  readonly shelf: PackShelf;
  /** The project's folder in the bucket. */
  readonly root: string;
  readonly nowMs: number;
  /** Keep even what is read again as quickly as a pack is opened. */
  readonly isThorough: boolean;
  /** Whether these texts may be kept. */
  readonly mayKeep?: (rows: readonly PlacedRow[]) => boolean;
}

/**
 * Makes packs of parts as they are read. What fails, for want of space or rights, is not kept: the
 * next search reads it again.
 */
export class PackKeeper {
  readonly #keeping: Keeping;
  readonly #writing: Promise<unknown>[] = [];
  #writer = new PackWriter();
  #failure: Error | undefined;

  constructor(keeping: Keeping) {
    this.#keeping = keeping;
  }

  /** Why nothing more is kept. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  add(harness: string, walked: WalkedPart): void {
    const { root, nowMs, mayKeep = () => true } = this.#keeping;
    const { entry, body, startLine } = walked;
    if (this.#failure !== undefined || entry === undefined || body === undefined) return;
    const part = packedPart(root, walked, entry);
    const { size, modifiedMs } = part;
    if (body.length !== size || size > mostPartBytes || modifiedMs > nowMs - settledMs) return;
    const rows = [...rowsIn(harness, body, startLine)];
    if (rows.some(({ text }) => text.length > longestText) || !mayKeep(rows)) return;
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
    const writing = this.#keeping.shelf.write(bytes).catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
    this.#writing.push(writing);
  }
}
