import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Clock, systemClock } from '../../clock.js';
import { NotAllowedError, NotFoundError, UnreachableError, UsageError } from '../../errors.js';
import { throwIfAborted } from '../aborted.js';
import type {
  Bucket,
  CallOptions,
  Conditional,
  Etag,
  GetOptions,
  Key,
  Stored,
  TransferOptions,
  Written,
} from '../bucket.js';
import { codeOf, diskError, isAbsence, onDisk } from '../disk-errors.js';
import { quotedMd5 } from '../etag.js';
import { checkRange, type Range } from '../range.js';
import { receiveFile } from '../receive.js';
import { withSourceFile } from '../source-file.js';
import { danglingLinkError } from './dangling-link.js';
import { fileTime } from './file-time.js';
import { createFolderClock, type FolderClock } from './folder-clock.js';
import { type LocalLayout, openLayout } from './layout.js';
import { listFolder } from './list.js';
import { type KeyLocks, openLocks } from './lock.js';
import { readWhole } from './read.js';
import {
  create,
  type Draft,
  discard,
  type HardLink,
  learnTime,
  removeFile,
  replace,
  writeDraft,
} from './write.js';

interface LocalOptions {
  /** The folder that is the bucket. It must exist; see `createLocalBucketIfMissing`. */
  readonly root: string;
  /**
   * Whether `now` may create a short-lived file to learn the folder's time. Otherwise the time is
   * this process's own until its first write.
   */
  readonly isForWriting?: boolean;
  readonly clock?: Clock;
  /** Default: the file system's. Tests inject one without hard links. */
  readonly hardLink?: HardLink;
}

const chunkBytes = 256 * 1024;

/**
 * A folder as a bucket: every key is a file of that name below `root`. Hard links arbitrate creation; a lock shared
 * by any number of processes arbitrates replacement. `NotFoundError` if there is no such folder.
 */
export async function openLocalBucket(options: LocalOptions): Promise<Bucket> {
  const { root, isForWriting = false, clock = systemClock, hardLink } = options;
  const time = createFolderClock(clock);
  const layout = await openLayout(root, time);
  const { temporaries, locks: folder } = layout;
  const locks = openLocks({ folder, temporaries, clock });
  const writer: Writer = { layout, locks, time, hardLink };
  return {
    kind: 'local',
    location: layout.root,
    capabilities: { putIfAbsent: true, putIfMatch: true },
    get: (key, options) => get(layout, key, options),
    put: (key, body, options) => put({ ...writer, ...options }, key, [body]),
    putIfAbsent: (key, body, options) => putIfAbsent({ ...writer, ...options }, key, body),
    putIfMatch: (key, body, etag, options) =>
      putIfMatch({ ...writer, ...options }, key, body, etag),
    putFile: (key, path, call) => putFile({ ...writer, signal: call?.signal }, key, path, call),
    getFile: (key, path, call) => getFile(layout, key, path, call),
    list: (prefix, options) => listFolder(layout, prefix, options),
    delete: (key, options) => remove({ ...writer, ...options }, key),
    now: async ({ signal } = {}) => {
      throwIfAborted(signal);
      if (isForWriting && !time.isKnown) await learnFrom(layout, time);
      return new Date(time.now());
    },
    close: async () => undefined,
  };
}

/** Whether it had to be created. Mode 700. */
export async function createLocalBucketIfMissing(root: string): Promise<boolean> {
  const path = resolve(root);
  const action = `create the bucket ${path}`;
  try {
    return (await mkdir(path, { recursive: true, mode: 0o700 })) !== undefined;
  } catch (error) {
    throw (await danglingLinkError(path, action)) ?? diskError(error, action);
  }
}

interface Writer extends CallOptions {
  readonly layout: LocalLayout;
  readonly locks: KeyLocks;
  readonly time: FolderClock;
  readonly hardLink: HardLink | undefined;
}

/** A folder that nobody has written to yet holds nothing whose date could matter. */
async function learnFrom(layout: LocalLayout, time: FolderClock): Promise<void> {
  if (await layout.isPrepared()) await learnTime({ ...layout, time });
}

async function get(
  layout: LocalLayout,
  key: Key,
  { range, atMost = Number.POSITIVE_INFINITY, signal }: GetOptions = {},
): Promise<Stored | undefined> {
  checkRange(range);
  throwIfAborted(signal);
  const path = await layout.locate(key);
  const reading = `read ${path}`;
  const stored = await withFile(reading, path, async (file, stat) => {
    const { size } = stat;
    const modifiedAt = fileTime(stat);
    if (size > atMost) return { body: Buffer.alloc(0), etag: '', size, modifiedAt };
    if (range === undefined) {
      return readWhole(file, reading, { size, modifiedAt, signal });
    }
    const chunks = chunksOf(file, reading, { bytes: size + 1, signal });
    return { ...(await readRange(chunks, range)), modifiedAt };
  });
  if (stored === undefined) await layout.assertPresent();
  return stored;
}

async function put(
  writer: Writer,
  key: Key,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<Written> {
  return write(writer, key, chunks, async (draft, path) => {
    const look = () => writer.layout.locate(key);
    await writer.locks.hold(key, () => replace(draft, path, look), writer.signal);
    return { etag: draft.etag };
  });
}

async function putIfAbsent(writer: Writer, key: Key, body: Uint8Array): Promise<Conditional> {
  // Most races are lost long after someone won, and checking is cheaper than syncing a draft to
  // disk.
  if (await isObject(await writer.layout.locate(key))) return { written: false };
  const look = () => writer.layout.locate(key);
  return write(writer, key, [body], async (draft, path) => {
    const outcome = await create(draft, path, look, writer.hardLink);
    if (outcome === 'created') return { written: true, etag: draft.etag };
    if (outcome === 'taken') return { written: false };
    return writer.locks.hold(
      key,
      async () => {
        if (await isObject(path)) return { written: false };
        await replace(draft, path, look);
        return { written: true, etag: draft.etag };
      },
      writer.signal,
    );
  });
}

async function putIfMatch(
  writer: Writer,
  key: Key,
  body: Uint8Array,
  etag: Etag,
): Promise<Conditional> {
  if ((await etagAt(await writer.layout.locate(key))) !== etag) return { written: false };
  return write(writer, key, [body], (draft, path) =>
    writer.locks.hold(
      key,
      async () => {
        if ((await etagAt(path)) !== etag) return { written: false };
        await replace(draft, path, () => writer.layout.locate(key));
        return { written: true, etag: draft.etag };
      },
      writer.signal,
    ),
  );
}

async function putFile(
  writer: Writer,
  key: Key,
  path: string,
  transfer: TransferOptions = {},
): Promise<Written> {
  await writer.layout.locate(key);
  return withSourceFile(path, ({ handle }) =>
    put(writer, key, chunksOf(handle, `read ${path}`, transfer)),
  );
}

async function getFile(
  layout: LocalLayout,
  key: Key,
  path: string,
  call: TransferOptions = {},
): Promise<void> {
  throwIfAborted(call.signal);
  const source = await layout.locate(key);
  const reading = `read ${source}`;
  const found = await withFile(reading, source, async (file, { size }) => {
    await receiveFile(path, chunksOf(file, reading), { size }, call);
    return true;
  });
  if (found !== undefined) return;
  await layout.assertPresent();
  throw new NotFoundError(`there is no ${key} in ${layout.root}`);
}

async function remove({ layout, locks, signal }: Writer, key: Key): Promise<void> {
  throwIfAborted(signal);
  const path = await layout.locate(key);
  await onBucket(layout, `delete ${path}`, async () => {
    await layout.prepare();
    const removal = async () => removeFile(await layout.locate(key), layout.root);
    await locks.hold(key, removal, signal);
  });
}

/** Drafts the body, passes it to `place`, and leaves nothing else behind. */
async function write<T>(
  { layout, time, signal }: Writer,
  key: Key,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  place: (draft: Draft, path: string) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const path = await layout.locate(key);
  return onBucket(layout, `write ${path}`, async () => {
    await layout.prepare();
    const draft = await writeDraft(chunks, { temporaries: layout.temporaries, time });
    try {
      return await place(draft, path);
    } finally {
      await discard(draft.path);
    }
  });
}

/**
 * While we write, the only things in a bucket that can go missing for good are its drive and our
 * own folder.
 */
async function onBucket<T>(
  layout: LocalLayout,
  action: string,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw diskError(error, action);
    await layout.assertPresent();
    throw new UnreachableError(
      `cannot ${action}: a folder of the bucket was removed at the same time`,
      {
        cause: error,
      },
    );
  }
}

/** `undefined` if there is no file at `path`; a folder is not one. */
async function withFile<T>(
  action: string,
  path: string,
  use: (file: FileHandle, stat: Stats) => Promise<T>,
): Promise<T | undefined> {
  return onDisk(action, async () => {
    const opened = await openRegular(path);
    if (opened === undefined) return undefined;
    try {
      return await use(opened.file, opened.stat);
    } finally {
      await opened.file.close();
    }
  });
}

async function openRegular(
  path: string,
): Promise<{ readonly file: FileHandle; readonly stat: Stats } | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    if (codeOf(error) !== 'ELOOP') throw error;
    throw new NotAllowedError(`cannot read ${path}: it is a symbolic link`);
  }
  const found = await file.stat();
  if (found.isFile()) return { file, stat: found };
  await file.close();
  if (found.isDirectory()) return undefined;
  throw new UsageError(`not a regular file: ${path}`);
}

async function isObject(path: string): Promise<boolean> {
  return (await withFile(`read ${path}`, path, async () => true)) === true;
}

/** The ETag of the object at `path`, if any. */
function etagAt(path: string): Promise<Etag | undefined> {
  const reading = `read ${path}`;
  return withFile(reading, path, async (file) => {
    const md5 = createHash('md5');
    for await (const chunk of chunksOf(file, reading)) md5.update(chunk);
    return quotedMd5(md5.digest('hex'));
  });
}

/** The ETag covers the whole object, so all of it is read but only the range is kept. */
async function readRange(
  chunks: AsyncIterable<Uint8Array>,
  { start, end }: Range,
): Promise<Pick<Stored, 'body' | 'etag' | 'size'>> {
  const md5 = createHash('md5');
  const kept: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    md5.update(chunk);
    const part = chunk.subarray(Math.max(0, start - size), Math.max(0, end + 1 - size));
    if (part.byteLength > 0) kept.push(Buffer.from(part));
    size += chunk.byteLength;
  }
  return { body: Buffer.concat(kept), etag: quotedMd5(md5.digest('hex')), size };
}

/**
 * Constant memory: every chunk reuses one buffer, so consume it before asking for the next. `bytes` is an upper
 * limit.
 */
async function* chunksOf(
  file: FileHandle,
  reading: string,
  { bytes = chunkBytes, signal, onProgress }: TransferOptions & { readonly bytes?: number } = {},
): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(Math.min(bytes, chunkBytes));
  for (let position = 0; ; ) {
    throwIfAborted(signal);
    const at = position;
    const { bytesRead } = await onDisk(reading, () => file.read(buffer, 0, buffer.length, at));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
    onProgress?.(position);
  }
}
