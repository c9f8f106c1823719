import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Bucket } from '../bucket/bucket.js';
import { NotAllowedError } from '../errors.js';
import type { Layout } from '../protocol/keys.js';
import { addCounts, type Counts } from '../redact/counts.js';
import type { Redactor } from '../redact/redact.js';
import type { PageSink } from '../replay/page/chunks.js';
import { pageMark, type WrittenPage, writePage } from '../replay/page/page.js';
import type { RunReader } from '../replay/timeline/read.js';
import type { EntrySelection } from '../replay/timeline/selection.js';
import { assertEmptyFolder, assertReplaceable, isFileOfOurs } from './overwrite.js';

/** Above this many bytes of transcripts, a page gets a folder next to it. */
const mostInPage = 512 * 1024 * 1024;

export interface ReplayRequest {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly reader: RunReader;
  readonly path: string;
  /** Also replaces a file that is not one of our pages. */
  readonly force: boolean;
  readonly selection: EntrySelection;
  readonly followMs: number | null;
  /** The version number of a followed page; the last one has no `followMs`. */
  readonly writing?: number;
  readonly keepsPaths?: boolean;
  /** Finds the secrets that a second look finds. */
  readonly redactor: Redactor;
  /** Above this many bytes of transcripts, their data goes into a folder next to the page. */
  readonly mostInPage?: number | undefined;
}

export interface Replayed extends WrittenPage {
  /** What the second look found and replaced. */
  readonly redactions: Counts;
  readonly path: string;
  /** The folder that must be moved together with the page. */
  readonly sidecar: string | null;
}

/** Writes the page of a run, whole or not at all. */
export async function writeReplay(request: ReplayRequest): Promise<Replayed> {
  const { bucket, layout, reader, selection, followMs, force } = request;
  const path = resolve(request.path);
  const isOurs = await isFileOfOurs(path, pageMark);
  if (!isOurs) await assertReplaceable(path, force);
  const state = await reader.state();
  const bytes = state.sessions.reduce(
    (sum, { meta }) =>
      sum +
      (meta?.document.streams ?? []).reduce(
        (streams, one) => streams + one.total_uploaded_bytes,
        meta?.document.total_uploaded_bytes ?? 0,
      ),
    0,
  );
  const isBeside = bytes > (request.mostInPage ?? mostInPage);
  const beside = `${basename(path, extname(path))}-data`;
  const folder = join(dirname(path), beside);
  const sidecar = isBeside || followMs !== null ? beside : null;
  if (sidecar !== null && !isOurs) await assertEmptyFolder(folder, force);
  const { writing = 0 } = request;
  const stamp = followMs === null ? '' : `${writing}-`;
  const { viewer } = await import('../replay/page/viewer-bundle.js');
  let redactions: Counts = {};
  const redact = (line: Buffer): Buffer => {
    const { bytes: clean, counts } = request.redactor.redact(line);
    if (counts !== undefined) redactions = addCounts(redactions, Object.fromEntries(counts));
    return clean;
  };
  const written = await toFile(path, sidecar, (sink) =>
    writePage(
      sink,
      { bucket, layout, reader, state, selection },
      { viewer, sidecar, followMs, stamp, keepsPaths: request.keepsPaths === true, redact },
    ),
  );
  if (followMs !== null) await forget(folder, (name) => isBefore(name, writing - 1));
  // An open page that still asks for it finds it gone, reloads, and then has everything in itself.
  else if (writing > 0) await forgetFollowed(folder, isBeside);
  return { ...written, path, sidecar, redactions };
}

async function toFile(
  path: string,
  sidecar: string | null,
  write: (sink: PageSink) => Promise<WrittenPage>,
): Promise<WrittenPage> {
  const temporary = `${path}.tmp-${randomBytes(6).toString('hex')}`;
  const folder = join(dirname(path), sidecar ?? '');
  const file = await openFile(temporary, folder);
  try {
    const written = await write({
      write: (text) => file.appendFile(text),
      writeBeside: (name, text) => writeAnew(join(folder, name), text),
    });
    await file.close();
    await rename(temporary, path);
    return written;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Older than the previous version, which an open page may still be reading. */
function isBefore(name: string, writing: number): boolean {
  const [, made] = /^c(\d+)-\d+\.js$/.exec(name) ?? [];
  return made !== undefined && Number(made) < writing;
}

async function forgetFollowed(folder: string, isBeside: boolean): Promise<void> {
  await forget(folder, (name) => name === 'run.js' || isBefore(name, Number.POSITIVE_INFINITY));
  if (!isBeside) await rmdir(folder).catch(() => undefined);
}

/** Removes our files from the folder beside the page. */
async function forget(folder: string, isOld: (name: string) => boolean): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (isOld(name)) await rm(join(folder, name), { force: true });
}

/** A link at this path is replaced, not followed. */
async function writeAnew(path: string, text: string): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, text, { flag: 'wx', mode: 0o600 });
}

async function openFile(path: string, folder: string): Promise<FileHandle> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await open(path, 'wx', 0o600);
  } catch (error) {
    throw new NotAllowedError(`cannot write ${path}`, {
      hint: 'Name a file in a folder of yours with -o.',
      cause: error,
    });
  }
}

/** Asks the desktop to open a file, if there is a desktop. */
export function openInBrowser(path: string): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', path]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', path]
        : ['xdg-open', path];
  if (command === undefined) return;
  const child = spawn(command, args, { detached: true, stdio: 'ignore' });
  child.once('error', () => undefined);
  child.unref();
}
