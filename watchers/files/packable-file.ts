import * as v from 'valibot';
import { SourceError } from '../../src/errors.js';
import type { FileStat, Io, OpenFile } from '../../src/io.js';
import type {
  Chunk,
  FileSnapshot,
  LineStream,
  Position,
  ReadLimit,
  SessionFacts,
  SessionRef,
} from '../../src/mirror/stream.js';
import { isNoFile, unreadable } from '../unreadable.js';
import { snapshotOf } from './file-snapshot.js';
import { onlyGrew, openRegular } from './jsonl-file.js';
import {
  type ByteWindow,
  type Cut,
  type CutEnd,
  chunkOf,
  cutLines,
  FileWindow,
  firstRead,
  hashOf,
  LineTooLong,
  tailBytes,
} from './line-window.js';
import { headBytes, type UnpackedFiles, ZstdFile } from './zstd-file.js';

export const packedSuffix = '.zst';

interface PackableFile {
  readonly io: Io;
  /** Of the plain file, whether that or its packed twin exists. */
  readonly path: string;
  readonly session: SessionRef;
  /** '' for the session's main stream. */
  readonly name: string;
  readonly unpackedFiles: UnpackedFiles;
  readonly facts: (line: Buffer, before: SessionFacts) => SessionFacts;
  /** Awaited before every read. */
  readonly beforeRead: () => Promise<void>;
}

const fileOffsetSchema = v.object({
  offset: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  tail: v.string(),
  head: v.string(),
  headSize: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(headBytes)),
});
/**
 * What a position remembers: the offset in the content, and hashes of its start and of the bytes just before. Not
 * which file: packing changes that, and the inode of a deleted file is soon reused. Kept on this machine only.
 */
type FileOffset = v.InferOutput<typeof fileOffsetSchema>;

/**
 * The lines of one rollout, from `<path>` or, where Codex packed it, from `<path>.zst`; while both exist the plain
 * one counts, as it does for Codex. A position counts bytes of content, so it holds in either, wherever the file is
 * renamed to, while the content's start and the bytes just before the position are unchanged. `changed` and `read`
 * fail with an error that names the file if the disk refuses or it cannot be unpacked.
 */
export function packableFile(file: PackableFile): LineStream {
  return {
    kind: 'lines',
    session: file.session,
    name: file.name,
    source: file.path,
    changed: (since) => lookAt(file, since),
    read: (from, limit) => readRollout(file, from, limit),
    facts: file.facts,
  };
}

/** The first bytes of a rollout's content, at most `size`; `undefined` if there are none. */
export async function headOfPackable(
  io: Io,
  path: string,
  size: number,
): Promise<Buffer | undefined> {
  const opened = await openEither(io, path);
  if (opened === undefined) return undefined;
  try {
    const stat = await opened.file.stat();
    if (stat.kind !== 'file') return undefined;
    const window = opened.isPacked
      ? new ZstdFile(opened.file, stat.size)
      : new FileWindow(opened.file, 0, stat.size);
    await window.extendTo(size);
    return window.bytes.subarray(0, size);
  } catch (error) {
    throw unreadable(opened.path, error);
  } finally {
    await opened.file.close();
  }
}

/** The state of a rollout, plain or packed. */
export async function statPackable(io: Io, path: string): Promise<FileStat | undefined> {
  return (await statRegular(io, path)) ?? statRegular(io, path + packedSuffix);
}

async function statRegular(io: Io, path: string): Promise<FileStat | undefined> {
  try {
    const stat = await io.stat(path);
    return stat?.kind === 'file' ? stat : undefined;
  } catch (error) {
    if (isNoFile(error)) return undefined;
    throw unreadable(path, error);
  }
}

async function lookAt(
  { io, path }: PackableFile,
  since: FileSnapshot | undefined,
): Promise<FileSnapshot | undefined> {
  const stat = await statPackable(io, path);
  const snapshot = stat === undefined ? undefined : snapshotOf(stat);
  return snapshot?.token === since?.token ? undefined : snapshot;
}

interface Opened {
  readonly file: OpenFile;
  readonly path: string;
  readonly isPacked: boolean;
}

/** Codex replaces one with the other in both directions: if it is missing, we asked a moment too early or too late. */
async function openEither(io: Io, path: string): Promise<Opened | undefined> {
  for (const isPacked of [false, true, false]) {
    const name = isPacked ? path + packedSuffix : path;
    const file = await openRegular(io, name);
    if (file !== undefined) return { file, path: name, isPacked };
  }
  return undefined;
}

async function readRollout(
  rollout: PackableFile,
  from: Position,
  limit: ReadLimit,
): Promise<Chunk | 'moved' | 'gone'> {
  await rollout.beforeRead();
  const fileOffset = fileOffsetIn(from);
  if (fileOffset === 'unreadable') return 'moved';
  const opened = await openEither(rollout.io, rollout.path);
  if (opened === undefined) return 'gone';
  try {
    const before = await opened.file.stat();
    if (before.kind !== 'file') return 'gone';
    const place: OpenedRange = { ...opened, before, fileOffset, limit };
    const cut = await (opened.isPacked ? cutPacked(rollout, place) : cutPlain(place));
    if (cut === 'moved' || !isSteady(opened, before, await opened.file.stat())) return 'moved';
    const chunk = chunkOf(from, snapshotOf(before), cut, (end) => markAfter(cut, fileOffset, end));
    return isDamaged(cut) ? { ...chunk, more: true, rest: 0 } : chunk;
  } catch (error) {
    throw error instanceof LineTooLong ? error.in(opened.path) : unreadable(opened.path, error);
  } finally {
    await opened.file.close();
  }
}

/** Where to continue reading, and in which file. */
interface OpenedRange extends Opened {
  readonly before: FileStat;
  readonly fileOffset: FileOffset | undefined;
  readonly limit: ReadLimit;
}

function fileOffsetIn(from: Position): FileOffset | undefined | 'unreadable' {
  if (from.at === null) return undefined;
  const result = v.safeParse(fileOffsetSchema, from.at);
  return result.success ? result.output : 'unreadable';
}

/** A packed file is never appended to. */
function isSteady({ isPacked }: Opened, before: FileStat, after: FileStat): boolean {
  return isPacked ? snapshotOf(after).token === snapshotOf(before).token : onlyGrew(before, after);
}

async function cutPlain({ file, before, fileOffset, limit }: OpenedRange): Promise<Cut | 'moved'> {
  const offset = fileOffset?.offset ?? 0;
  if (before.size < offset) return 'moved';
  if (fileOffset !== undefined) {
    const head = Buffer.alloc(fileOffset.headSize);
    await file.read(head, 0);
    if (hashOf(head) !== fileOffset.head) return 'moved';
  }
  const start = Math.min(tailBytes, offset);
  const window = new FileWindow(file, offset - start, before.size);
  if (!(await window.extendTo(start + firstRead(limit)))) return 'moved';
  return holds(window, start, fileOffset) ? cutLines(window, start, limit) : 'moved';
}

async function cutPacked(
  { unpackedFiles }: PackableFile,
  place: OpenedRange,
): Promise<Cut | 'moved'> {
  const { before, path, fileOffset, limit } = place;
  const { token } = snapshotOf(before);
  const unpacked = await unpackedAt(unpackedFiles.take(path, token), place);
  if (unpacked === 'moved') return 'moved';
  const start = (fileOffset?.offset ?? 0) - unpacked.offset;
  if (!(await unpacked.extendTo(start))) return 'moved';
  if (unpacked.bytes.length < start) throwIfDamaged(unpacked, path);
  if (unpacked.bytes.length < start || !holds(unpacked, start, fileOffset)) return 'moved';
  const cut = await cutLines(unpacked, start, limit);
  if (cut === 'moved') return 'moved';
  if (cut.ends.length === 0) throwIfDamaged(unpacked, path);
  unpackedFiles.keep(path, token, unpacked);
  return cut;
}

/** Unpacked up to the bytes before the mark: continues an earlier read if possible, otherwise from the start. */
async function unpackedAt(
  kept: ZstdFile | undefined,
  { file, path, before, fileOffset }: OpenedRange,
): Promise<ZstdFile | 'moved'> {
  const wanted = Math.max(0, (fileOffset?.offset ?? 0) - tailBytes);
  const canServe = kept !== undefined && kept.offset <= wanted;
  const unpacked = canServe ? kept : new ZstdFile(file, before.size);
  unpacked.continueWith(file);
  if (fileOffset !== undefined) {
    if (!(await unpacked.extendTo(fileOffset.headSize - unpacked.offset))) return 'moved';
    if (hashOf(unpacked.head.subarray(0, fileOffset.headSize)) !== fileOffset.head) return 'moved';
  }
  if (await unpacked.skipTo(wanted)) return unpacked;
  throwIfDamaged(unpacked, path);
  return 'moved';
}

function holds(window: ByteWindow, start: number, fileOffset: FileOffset | undefined): boolean {
  if (fileOffset === undefined) return true;
  const tail = window.bytes.subarray(start - Math.min(tailBytes, fileOffset.offset), start);
  return hashOf(tail) === fileOffset.tail;
}

function throwIfDamaged({ damage }: ZstdFile, path: string): void {
  if (damage === undefined) return;
  throw new SourceError('unreachable', `cannot unpack ${path}: ${damage}`, {
    hint: 'The lines before the damage are mirrored; a file that is still being written is tried again.',
  });
}

/** Takes the lines before the damage first; the next read reports it. */
function isDamaged({ window }: Cut): boolean {
  return window instanceof ZstdFile && window.damage !== undefined;
}

function markAfter({ window }: Cut, before: FileOffset | undefined, end: CutEnd): FileOffset {
  if (before !== undefined) return { ...end, head: before.head, headSize: before.headSize };
  const head = window.bytes.subarray(0, Math.min(headBytes, end.offset));
  return { ...end, head: hashOf(head), headSize: head.length };
}
