import { BlockWriter, type PlacedRow } from './block.js';
import { encodeDictionary } from './dictionary.js';
import {
  digestOf,
  encodeFooter,
  type PackFooter,
  type PackSection,
  pack,
  packVersion,
} from './footer.js';
import type { PackedPart } from './packed-part.js';
import { WordIndex } from './word-index.js';

/** How much text makes a block: larger ones pack better, smaller ones cost less to look through. */
const blockSize = 128 * 1024;

interface OpenSection {
  readonly number: number;
  readonly section: PackSection;
  /** `undefined`: nothing is in it yet. */
  block: OpenBlock | undefined;
}

/** The lines and times of its rows, as far as there are any. */
interface OpenBlock {
  readonly writer: BlockWriter;
  first: number;
  end: number;
  fromMs: number | null;
  toMs: number | null;
}

/** Makes a pack of parts in memory. */
export class PackWriter {
  readonly #sections: PackSection[] = [];
  readonly #open = new Map<string, OpenSection>();
  readonly #bodies: Buffer[] = [];
  readonly #blocks: PackFooter['blocks'] = {
    packed: [],
    raw: [],
    digests: [],
    section: [],
    first: [],
    end: [],
    from: [],
    to: [],
  };
  readonly #words = new WordIndex();
  /** For the next blocks: their memory grows with the first ones. */
  readonly #spare: BlockWriter[] = [];
  #textSize = 0;
  #parts = 0;
  #partBytes = 0;

  /** Bytes of text so far. */
  get textSize(): number {
    return this.#textSize;
  }

  get parts(): number {
    return this.#parts;
  }

  /** Bytes of the parts. */
  get partBytes(): number {
    return this.#partBytes;
  }

  /** The parts of a stream come in order; where one is left out, a new section begins. */
  add(part: PackedPart, rows: Iterable<PlacedRow>): void {
    for (const _ of this.adding(part, rows));
  }

  /** The same, one step after the other. */
  *adding(part: PackedPart, rows: Iterable<PlacedRow>): Generator<undefined, void> {
    const open = yield* this.#sectionFor(part);
    const { names, sizes, times, md5s, ends } = open.section;
    for (const row of rows) {
      open.block ??= emptyBlock(this.#spare.pop() ?? new BlockWriter());
      const { writer } = open.block;
      const before = writer.textSize;
      addRow(open.block, row);
      this.#textSize += writer.textSize - before;
      yield;
      if (writer.textSize >= blockSize) yield* this.#closingBlock(open);
    }
    names.push(part.name);
    sizes.push(part.size);
    times.push(part.modifiedMs);
    md5s.push(part.md5);
    ends.push(part.endLine);
    this.#parts += 1;
    this.#partBytes += part.size;
  }

  /** The whole pack. Nothing can be added afterwards. */
  finish(): Buffer {
    const steps = this.finishing();
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  /** Closes the blocks that are open: whoever adds one stream after the other needs memory for one only. */
  *closingStreams(): Generator<undefined, void> {
    for (const open of this.#open.values()) yield* this.#closingBlock(open);
  }

  /** The same as `finish`, one step after the other. */
  *finishing(): Generator<undefined, Buffer> {
    yield* this.closingStreams();
    const terms: PackFooter['terms'] = { packed: [], raw: [], digests: [], firsts: [] };
    const pieces: Buffer[] = [];
    for (const piece of encodeDictionary(this.#words.terms())) {
      yield;
      if (piece === undefined) continue;
      const { first, bytes } = piece;
      const packed = pack(bytes);
      terms.firsts.push(first);
      terms.packed.push(packed.length);
      terms.raw.push(bytes.length);
      terms.digests.push(digestOf(packed));
      pieces.push(packed);
    }
    const [sections, blocks] = [this.#sections, this.#blocks];
    const footer = encodeFooter({ schema: packVersion, sections, blocks, terms });
    return Buffer.concat([...this.#bodies, ...pieces, footer]);
  }

  *#sectionFor({ prefix, startLine }: PackedPart): Generator<undefined, OpenSection> {
    const known = this.#open.get(prefix);
    if (known !== undefined) {
      const { ends, start } = known.section;
      if ((ends.at(-1) ?? start) === startLine) return known;
      yield* this.#closingBlock(known);
    }
    const section = {
      prefix,
      start: startLine,
      names: [],
      sizes: [],
      times: [],
      md5s: [],
      ends: [],
    };
    const number = this.#sections.push(section) - 1;
    const open = { number, section, block: undefined };
    this.#open.set(prefix, open);
    return open;
  }

  *#closingBlock(open: OpenSection): Generator<undefined, void> {
    if (open.block === undefined) return;
    const { writer, first, end, fromMs, toMs } = open.block;
    open.block = undefined;
    const raw = writer.finish();
    const body = pack(raw);
    this.#bodies.push(body);
    this.#blocks.packed.push(body.length);
    this.#blocks.raw.push(raw.length);
    this.#blocks.digests.push(digestOf(body));
    this.#blocks.section.push(open.number);
    this.#blocks.first.push(first);
    this.#blocks.end.push(end);
    this.#blocks.from.push(fromMs);
    this.#blocks.to.push(toMs);
    yield;
    yield* this.#words.addingBlock(writer.texts());
    writer.clear();
    this.#spare.push(writer);
  }
}

function emptyBlock(writer: BlockWriter): OpenBlock {
  return { writer, first: 0, end: 0, fromMs: null, toMs: null };
}

function addRow(block: OpenBlock, row: PlacedRow): void {
  if (block.writer.rows === 0) block.first = row.line;
  block.writer.add(row);
  block.end = row.line + 1;
  if (row.atMs === undefined) return;
  const atMs = finite(row.atMs);
  block.fromMs = Math.min(block.fromMs ?? atMs, atMs);
  block.toMs = Math.max(block.toMs ?? atMs, atMs);
}

/** JSON has no infinity. */
function finite(atMs: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, atMs));
}
