import { realpath } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { onDisk } from '../../bucket/disk-errors.js';
import { NotFoundError, UsageError } from '../../errors.js';
import type { DirectoryEntry, Io } from '../../io.js';
import { isCopyName } from '../../protocol/artifacts.js';
import { checkArtifactName } from '../../protocol/names.js';

/** Written by `tracecraft init`; other tools write the bucket's keys into it. */
const configName = '.tracecraft.json';
const gitFolder = '.git';

/** A file on this machine, and its name in the bucket. */
export interface UploadSource {
  readonly path: string;
  readonly name: string;
  /** Bytes when it was found. */
  readonly size: number;
}

export interface FoundSources {
  /** Ordered by name. */
  readonly sources: readonly UploadSource[];
  readonly passedOver: readonly PassedOver[];
}

/** Something in the folder that is not sent. */
export interface PassedOver {
  readonly path: string;
  readonly reason: string;
}

export interface SourceWish {
  /** The name of the file or folder in the bucket, instead of its own. */
  readonly name?: string | undefined;
  readonly recursive: boolean;
}

/**
 * The file at `path`, or all files below it. A link the user named is followed; a link in a folder may lead out of it
 * and is skipped. Every name is checked before anything is sent.
 */
export async function findSources(
  io: Io,
  path: string,
  { name, recursive }: SourceWish,
): Promise<FoundSources> {
  const called = checkNewName(name ?? basename(resolve(path)));
  const found = await onDisk(`read ${path}`, () => io.stat(path));
  if (found === undefined) {
    throw new NotFoundError(`there is no file or folder ${path}`, {
      hint: `Looked for ${resolve(path)}: name a file, or a folder with --recursive.`,
    });
  }
  const real = await onDisk(`read ${path}`, () => realpath(path));
  if (found.kind === 'file') {
    return { sources: [{ path: real, name: called, size: found.size }], passedOver: [] };
  }
  if (found.kind === 'other') throw new UsageError(`not a regular file: ${path}`);
  if (!recursive) {
    throw new UsageError(`${path} is a folder`, { hint: 'Upload all of it with --recursive.' });
  }
  const tree = await walk(io, real, called);
  if (tree.sources.length > 0) return tree;
  throw new NotFoundError(`there are no files in ${path}`);
}

/** Names ending like our own copies would be mistaken for copies. */
function checkNewName(name: string): string {
  if (!isCopyName(name)) return checkArtifactName(name);
  throw new UsageError(`not a name for an artifact: ${JSON.stringify(name)}`, {
    hint: 'Names that end in "~" and 12 hex digits are reserved for copies of replaced content.',
  });
}

async function walk(io: Io, root: string, called: string): Promise<FoundSources> {
  const sources: UploadSource[] = [];
  const passedOver: PassedOver[] = [];
  const folders: { readonly path: string; readonly name: string }[] = [
    { path: root, name: called },
  ];
  for (const folder of folders) {
    const entries = await onDisk(`read ${folder.path}`, () => io.readdir(folder.path));
    for (const { name: leaf, kind } of entries ?? []) {
      const path = join(folder.path, leaf);
      const reason = reasonToPass(leaf, kind);
      if (reason !== undefined) {
        passedOver.push({ path, reason });
        continue;
      }
      const name = nameOf(`${folder.name}/${leaf}`, path);
      if (kind === 'directory') folders.push({ path, name });
      else sources.push({ path, name, size: await sizeOf(io, path) });
    }
  }
  return { sources: sources.sort(byName), passedOver };
}

function reasonToPass(leaf: string, kind: DirectoryEntry['kind']): string | undefined {
  if (kind === 'other') return 'neither a file nor a folder; links are not followed';
  if (leaf === gitFolder) return 'git would obey it wherever it is downloaded: pack it first';
  return leaf === configName ? 'it may contain the keys of a bucket' : undefined;
}

/** A name that is not UTF-8 shows U+FFFD instead, and cannot be found under that name. */
function nameOf(name: string, path: string): string {
  if (!name.includes('\uFFFD')) return checkNewName(name);
  throw new UsageError(`not an artifact name (not UTF-8): ${JSON.stringify(path)}`, {
    hint: 'Rename it, and upload again.',
  });
}

/** A file that has vanished is reported when it is due to be sent. */
async function sizeOf(io: Io, path: string): Promise<number> {
  return (await onDisk(`read ${path}`, () => io.stat(path)))?.size ?? 0;
}

function byName(left: UploadSource, right: UploadSource): number {
  return left.name < right.name ? -1 : 1;
}
