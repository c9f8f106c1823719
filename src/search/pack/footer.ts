import { createHash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import * as v from 'valibot';
import { DamagedPackError } from './bytes.js';

/**
 * Which text is taken from a row, and which terms from a text. Another version of tracecraft may
 * read other text from the same row, so packs of another version are not used.
 */
export const packVersion = 1;

/** At the end of a pack: the footer's length, its digest, and this. */
const magic = Buffer.from('TCSEARC1');
const digestBytes = 8;
export const trailerBytes = 4 + digestBytes + magic.length;

/** What a footer, a block and a piece of the dictionary may unpack to. */
const mostFooterBytes = 64 * 1024 * 1024;
const mostBlockBytes = 128 * 1024 * 1024;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const rawSize = v.pipe(count, v.maxValue(mostBlockBytes));
const digest = v.pipe(v.string(), v.length(2 * digestBytes));

/** Consecutive parts of one stream, by columns. What they were when they were read is compared with what is listed. */
const sectionSchema = v.object({
  /** Where the stream is, from the project's folder on. */
  prefix: v.string(),
  start: count,
  names: v.array(v.string()),
  sizes: v.array(count),
  /** Milliseconds since the epoch, by the store's clock. */
  times: v.array(v.number()),
  md5s: v.array(v.string()),
  /** The line after the last of each. */
  ends: v.array(count),
});

const footerSchema = v.object({
  schema: v.literal(packVersion),
  sections: v.array(sectionSchema),
  blocks: v.object({
    packed: v.array(count),
    raw: v.array(rawSize),
    digests: v.array(digest),
    section: v.array(count),
    first: v.array(count),
    end: v.array(count),
    /** The oldest and the newest row that has a time. */
    from: v.array(v.nullable(v.number())),
    to: v.array(v.nullable(v.number())),
  }),
  terms: v.object({
    packed: v.array(count),
    raw: v.array(rawSize),
    digests: v.array(digest),
    firsts: v.array(v.string()),
  }),
});

export type PackSection = v.InferOutput<typeof sectionSchema>;
export type PackFooter = v.InferOutput<typeof footerSchema>;

/** A compressed stretch of a pack. */
export interface PackPiece {
  readonly at: number;
  readonly packed: number;
  readonly raw: number;
  readonly digest: string;
}

export function encodeFooter(footer: PackFooter): Buffer {
  const packed = pack(Buffer.from(JSON.stringify(footer)));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(packed.length);
  return Buffer.concat([packed, length, Buffer.from(digestOf(packed), 'hex'), magic]);
}

/** From the last bytes of a pack, how long its footer is. */
export function footerLength(trailer: Buffer, packSize: number): number {
  const isPack = trailer.length === trailerBytes && trailer.subarray(-magic.length).equals(magic);
  if (!isPack) throw new DamagedPackError('it is not a pack');
  const length = trailer.readUInt32LE(0);
  if (length > packSize - trailerBytes) throw new DamagedPackError('its footer is too long');
  return length;
}

export function decodeFooter(packed: Buffer, trailer: Buffer, packSize: number): PackFooter {
  const told = trailer.toString('hex', 4, 4 + digestBytes);
  if (digestOf(packed) !== told) throw new DamagedPackError('its footer is damaged');
  const raw = unpack(packed, mostFooterBytes);
  let value: unknown;
  try {
    value = JSON.parse(raw.toString('utf8'));
  } catch (error) {
    throw new DamagedPackError('its footer is not JSON', { cause: error });
  }
  const parsed = v.safeParse(footerSchema, value);
  if (!parsed.success) throw new DamagedPackError(`its footer: ${v.summarize(parsed.issues)}`);
  checkShape(parsed.output, packSize - trailerBytes - packed.length);
  return parsed.output;
}

/** Whether all columns agree, and everything lies between the beginning and the footer. */
function checkShape({ sections, blocks, terms }: PackFooter, footerAt: number): void {
  const bytes = [...blocks.packed, ...terms.packed].reduce((sum, one) => sum + one, 0);
  const isWhole =
    areEqual(Object.values(blocks)) &&
    areEqual(Object.values(terms)) &&
    bytes === footerAt &&
    blocks.section.every((section) => section < sections.length) &&
    blocks.first.every((first, block) => first < (blocks.end[block] ?? 0)) &&
    sections.every(isSectionWhole);
  if (!isWhole) throw new DamagedPackError('its footer contradicts itself');
}

function isSectionWhole({ start, names, sizes, times, md5s, ends }: PackSection): boolean {
  return (
    areEqual([names, sizes, times, md5s, ends]) &&
    ends.every((end, part) => end >= (ends[part - 1] ?? start))
  );
}

function areEqual(columns: readonly (readonly unknown[])[]): boolean {
  return columns.every(({ length }) => length === columns[0]?.length);
}

/** Where each piece lies; the first one begins at `from`. */
export function piecesFrom(
  from: number,
  { packed, raw, digests }: Pick<PackFooter['terms'], 'packed' | 'raw' | 'digests'>,
): readonly PackPiece[] {
  let at = from;
  return packed.map((length, piece) => {
    const one = { at, packed: length, raw: raw[piece] ?? 0, digest: digests[piece] ?? '' };
    at += length;
    return one;
  });
}

/** Room for a block: a larger window takes memory and time to set up. */
const windowBits = 18;

export function pack(raw: Buffer): Buffer {
  const { BROTLI_PARAM_QUALITY: quality, BROTLI_PARAM_SIZE_HINT: hint } = constants;
  const { BROTLI_PARAM_LGWIN: window } = constants;
  const params = { [quality]: 3, [hint]: raw.length, [window]: windowBits };
  return brotliCompressSync(raw, { params });
}

/** Brotli has no checksum of its own. */
export function unpackPiece(bytes: Buffer, { packed, raw, digest: told }: PackPiece): Buffer {
  if (bytes.length !== packed || digestOf(bytes) !== told) {
    throw new DamagedPackError('a piece of it is damaged');
  }
  const unpacked = unpack(bytes, raw);
  if (unpacked.length !== raw) throw new DamagedPackError('a piece of it has the wrong size');
  return unpacked;
}

function unpack(packed: Buffer, most: number): Buffer {
  try {
    return brotliDecompressSync(packed, { maxOutputLength: Math.max(1, most) });
  } catch (error) {
    throw new DamagedPackError('a piece of it cannot be unpacked', { cause: error });
  }
}

export function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest().toString('hex', 0, digestBytes);
}
