import { decodeLz4Frame } from './lz4.js';
import { hashText } from './xet-hash.js';

/** A run of chunks of one xorb; a file is a list of them. */
export interface Term {
  readonly xorb: string;
  /** Bytes once unpacked. */
  readonly length: number;
  /** Chunk indexes, end exclusive. */
  readonly start: number;
  readonly end: number;
}

export interface XetFile {
  readonly hash: string;
  readonly size: number;
  readonly terms: readonly Term[];
}

interface ChunkPlace {
  readonly at: number;
  readonly packed: number;
  readonly scheme: number;
  readonly unpacked: number;
}

interface Xorb {
  readonly body: Buffer;
  readonly chunks: readonly ChunkPlace[];
}

interface SignedRange {
  readonly url: string;
  readonly ranges: readonly [
    {
      readonly chunks: { readonly start: number; readonly end: number };
      readonly bytes: { readonly start: number; readonly end: number };
    },
  ];
}

export interface Reconstruction {
  readonly offset_into_first_range: number;
  readonly terms: readonly {
    readonly hash: string;
    readonly unpacked_length: number;
    readonly range: { readonly start: number; readonly end: number };
  }[];
  readonly xorbs: Readonly<Record<string, readonly SignedRange[]>>;
}

const chunkHeaderBytes = 8;
const recordBytes = 48;
const shardMagic = Buffer.from('HFRepoMetaData\0');
const verified = 0x80000000;
const extended = 0x40000000;

/**
 * The content-addressed store behind the Hub, as its clients speak to it: https://huggingface.co/docs/xet. It believes the
 * hashes that it is told and checks everything else.
 */
export class XetStore {
  readonly #xorbs = new Map<string, Xorb>();
  readonly #files = new Map<string, XetFile>();

  /** Whether it was new. */
  addXorb(hash: string, body: Buffer): boolean {
    if (this.#xorbs.has(hash)) return false;
    this.#xorbs.set(hash, { body, chunks: chunksOf(body) });
    return true;
  }

  addShard(shard: Buffer): void {
    if (!shard.subarray(0, shardMagic.length).equals(shardMagic)) throw new Error('not a shard');
    if (shard.readBigUInt64LE(32) !== 2n) throw new Error('not a shard of version 2');
    for (const file of filesOf(shard)) {
      for (const term of file.terms) this.#checkTerm(term);
      this.#files.set(file.hash, file);
    }
  }

  file(hash: string): XetFile | undefined {
    return this.#files.get(hash);
  }

  xorb(hash: string): Buffer | undefined {
    return this.#xorbs.get(hash)?.body;
  }

  /** The whole content, unpacked. */
  content(hash: string): Buffer {
    const file = this.#files.get(hash);
    if (file === undefined) throw new Error(`no file ${hash}`);
    return Buffer.concat(file.terms.flatMap((term) => this.#unpack(term)));
  }

  /** What of which xorb holds the bytes `start` to `end` (inclusive); `undefined` when they lie past the end. */
  reconstruction(
    { size, terms }: XetFile,
    range: { readonly start: number; readonly end: number },
    sign: (xorb: string) => string,
  ): Reconstruction | undefined {
    const end = Math.min(range.end, size - 1);
    if (range.start > end) return undefined;
    const wanted: Reconstruction['terms'][number][] = [];
    const xorbs: Record<string, SignedRange[]> = {};
    let offset: number | undefined;
    let at = 0;
    for (const term of terms) {
      const inside = this.#chunksWithin(term, range.start - at, end - at);
      at += term.length;
      if (inside === undefined) continue;
      offset ??= inside.skipped;
      const chunks = { start: inside.start, end: inside.end };
      wanted.push({ hash: term.xorb, unpacked_length: inside.length, range: chunks });
      const signed: SignedRange = {
        url: sign(term.xorb),
        ranges: [{ chunks, bytes: this.#bytesOf(term.xorb, inside.start, inside.end) }],
      };
      const others = xorbs[term.xorb] ?? [];
      others.push(signed);
      xorbs[term.xorb] = others;
    }
    return { offset_into_first_range: offset ?? 0, terms: wanted, xorbs };
  }

  /** The chunks of a term that hold its bytes `from` to `to`, both inclusive, and how many bytes lie before `from`. */
  #chunksWithin(term: Term, from: number, to: number) {
    let at = 0;
    let start: number | undefined;
    let end = term.start;
    let skipped = 0;
    let length = 0;
    for (const [index, { unpacked }] of this.#chunks(term.xorb).entries()) {
      if (index < term.start || index >= term.end) continue;
      const isInside = at + unpacked > from && at <= to;
      if (isInside && start === undefined) {
        start = index;
        skipped = Math.max(0, from - at);
      }
      if (isInside) {
        end = index + 1;
        length += unpacked;
      }
      at += unpacked;
    }
    return start === undefined ? undefined : { start, end, skipped, length };
  }

  #bytesOf(xorb: string, start: number, end: number): { start: number; end: number } {
    const chunks = this.#chunks(xorb).slice(start, end);
    const [first] = chunks;
    const last = chunks.at(-1);
    if (first === undefined || last === undefined) throw new Error(`no chunk ${start} of ${xorb}`);
    return { start: first.at, end: last.at + chunkHeaderBytes + last.packed - 1 };
  }

  #chunks(xorb: string): readonly ChunkPlace[] {
    const found = this.#xorbs.get(xorb);
    if (found === undefined) throw new Error(`no xorb ${xorb}`);
    return found.chunks;
  }

  #checkTerm(term: Term): void {
    const chunks = this.#chunks(term.xorb).slice(term.start, term.end);
    const length = chunks.reduce((sum, { unpacked }) => sum + unpacked, 0);
    if (chunks.length !== term.end - term.start || length !== term.length) {
      throw new Error(`a term of ${term.length} bytes that ${term.xorb} does not hold`);
    }
  }

  #unpack({ xorb, start, end }: Term): Buffer[] {
    const { body } = this.#xorbs.get(xorb) ?? { body: Buffer.alloc(0) };
    return this.#chunks(xorb)
      .slice(start, end)
      .map(({ at, packed, scheme, unpacked }) => {
        const data = body.subarray(at + chunkHeaderBytes, at + chunkHeaderBytes + packed);
        if (scheme === 0) return data;
        const plain = decodeLz4Frame(data, unpacked);
        return scheme === 1 ? plain : regroup(plain);
      });
  }
}

function chunksOf(body: Buffer): ChunkPlace[] {
  const chunks: ChunkPlace[] = [];
  for (let at = 0; at < body.length; ) {
    const version = body.readUInt8(at);
    const chunk = {
      at,
      packed: body.readUIntLE(at + 1, 3),
      scheme: body.readUInt8(at + 4),
      unpacked: body.readUIntLE(at + 5, 3),
    };
    at += chunkHeaderBytes + chunk.packed;
    if (version !== 0 || chunk.scheme > 2 || at > body.length) throw new Error('not a xorb');
    chunks.push(chunk);
  }
  if (chunks.length === 0) throw new Error('an empty xorb');
  return chunks;
}

function* filesOf(shard: Buffer): Generator<XetFile> {
  for (let at = recordBytes; ; ) {
    if (shard.subarray(at, at + 32).every((byte) => byte === 0xff)) return;
    const hash = hashText(shard, at);
    const flags = shard.readUInt32LE(at + 32);
    const count = shard.readUInt32LE(at + 36);
    at += recordBytes;
    const terms = Array.from({ length: count }, (_, index): Term => {
      const record = at + index * recordBytes;
      return {
        xorb: hashText(shard, record),
        length: shard.readUInt32LE(record + 36),
        start: shard.readUInt32LE(record + 40),
        end: shard.readUInt32LE(record + 44),
      };
    });
    at += count * recordBytes;
    if ((flags & verified) !== 0) at += count * recordBytes;
    if ((flags & extended) !== 0) at += recordBytes;
    yield { hash, size: terms.reduce((sum, { length }) => sum + length, 0), terms };
  }
}

/** Scheme 2 keeps the first bytes of all groups of four together, then the second ones, and so on. */
function regroup(split: Buffer): Buffer {
  const out = Buffer.alloc(split.length);
  let from = 0;
  for (let lane = 0; lane < 4; lane += 1) {
    for (let to = lane; to < split.length; to += 4, from += 1) {
      out.writeUInt8(split.readUInt8(from), to);
    }
  }
  return out;
}
