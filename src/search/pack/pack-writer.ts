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
  block: OpenBlock;
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

  /** The same, one step per block. */
  *adding(part: PackedPart, rows: Iterable<PlacedRow>): Generator<undefined, void> {
    const open = this.#sectionFor(part);
    const { names, sizes, times, md5s, ends } = open.section;
    for (const row of rows) {
      const before = open.block.writer.textSize;
      addRow(open.block, row);
      this.#textSize += open.block.writer.textSize - before;
      if (open.block.writer.textSize < blockSize) continue;
      this.#closeBlock(open);
      yield;
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

  /** The same, one step per block or stretch of the dictionary. */
  *finishing(): Generator<undefined, Buffer> {
    for (const open of this.#open.values()) {
      this.#closeBlock(open);
      yield;
    }
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

  #sectionFor({ prefix, startLine }: PackedPart): OpenSection {
    const known = this.#open.get(prefix);
    if (known !== undefined) {
      const { ends, start } = known.section;
      if ((ends.at(-1) ?? start) === startLine) return known;
      this.#closeBlock(known);
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
    const open = { number, section, block: emptyBlock() };
    this.#open.set(prefix, open);
    return open;
  }

  #closeBlock(open: OpenSection): void {
    const { writer, first, end, fromMs, toMs } = open.block;
    if (writer.rows === 0) return;
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
    this.#words.addBlock(writer.texts());
    open.block = emptyBlock();
  }
}

function emptyBlock(): OpenBlock {
  return { writer: new BlockWriter(), first: 0, end: 0, fromMs: null, toMs: null };
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
