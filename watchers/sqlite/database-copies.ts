import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../src/clock.js';
import { SourceError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import { copySuffix } from '../files/conflict-copies.js';
import { DirectoryListings } from '../files/directory-listings.js';

/**
 * The conflict copies that sync tools put next to a database. They are named, not mirrored: the same rows in two states
 * are no session, and which state counts is not ours to say.
 */
export class DatabaseCopies {
  readonly #listings: DirectoryListings;
  readonly #onCopy: (error: SourceError) => void;

  constructor(io: Io, clock: Clock, onCopy: (error: SourceError) => void) {
    // Whatever else is in that folder is no concern of the mirror, readable or not.
    this.#listings = new DirectoryListings(io, clock, () => undefined);
    this.#onCopy = onCopy;
  }

  async lookBeside(database: string): Promise<void> {
    const [file, folder] = [basename(database), dirname(database)];
    for (const { name, kind } of (await this.#listings.list(folder)) ?? []) {
      if (kind === 'file' && isCopyOf(file, name)) this.#onCopy(leftOut(join(folder, name), file));
    }
  }
}

function isCopyOf(file: string, name: string): boolean {
  const dot = file.lastIndexOf('.');
  const [stem, suffix] = [file.slice(0, dot), file.slice(dot)];
  if (name === file || !name.startsWith(stem) || !name.endsWith(suffix)) return false;
  return wholeSuffix.test(name.slice(stem.length, -suffix.length));
}

const wholeSuffix = new RegExp(`^${copySuffix}$`, 's');

function leftOut(path: string, file: string): SourceError {
  return new SourceError('not-allowed', `left out: ${path}: a conflict copy of ${file}`, {
    hint: `Save what only it contains, then remove it: nothing but ${file} is mirrored.`,
  });
}
