import type { Stats } from 'node:fs';
import { lstat, realpath, stat } from 'node:fs/promises';
import type { Io } from '../../src/io.js';
import { isBelow } from './directory-listings.js';

type LinkTarget =
  | { readonly kind: 'file' | 'directory' }
  /** Why it is not followed. */
  | { readonly kind: 'refused'; readonly reason: string };

interface LinkRules {
  /** Folders in which a target may be. */
  allowed(): readonly string[];
  /** Anything below these is found there anyway. */
  mirrored(): readonly string[];
  /** Whether a file at this path would be a transcript. */
  isTranscript(path: string): boolean;
}

/**
 * Which links below a harness's folder are followed: those to folders and transcripts of the same user that are in the
 * home folder or in a folder named by the environment.
 */
export class Links {
  readonly #rules: LinkRules;
  /** The targets of links that are in a transcript's place. */
  readonly #files = new Map<string, string>();

  constructor(rules: LinkRules) {
    this.#rules = rules;
  }

  /** The same disk, except that a linked transcript is opened at its target. */
  reading(io: Io): Io {
    return { ...io, open: (path) => io.open(this.#files.get(path) ?? path) };
  }

  /** `undefined` for anything that is no link, leads nowhere, or does not belong to a session. */
  async follow(path: string): Promise<LinkTarget | undefined> {
    this.#files.delete(path);
    try {
      const link = await lstat(path);
      if (!link.isSymbolicLink()) return undefined;
      const [real, target] = await Promise.all([realpath(path), stat(path)]);
      const isFile = target.isFile();
      if (isFile ? !this.#rules.isTranscript(path) : !target.isDirectory()) return undefined;
      if (isBelow(path, real)) return undefined;
      const mirrored = await reals(this.#rules.mirrored());
      if (mirrored.some((root) => isBelow(real, root))) return undefined;
      const reason = await this.#refusalOf(real, target);
      if (reason !== undefined)
        return { kind: 'refused', reason: `it is a link to ${real}, ${reason}` };
      if (!isFile) return { kind: 'directory' };
      this.#files.set(path, real);
      return { kind: 'file' };
    } catch {
      return undefined;
    }
  }

  async #refusalOf(real: string, target: Stats): Promise<string | undefined> {
    const { allowed, isTranscript } = this.#rules;
    if (!(await reals(allowed())).some((root) => isBelow(real, root)))
      return 'outside of the home folder';
    const own = process.getuid?.();
    if (own !== undefined && target.uid !== own) return "another user's";
    if (target.isFile() && !isTranscript(real)) return 'which has no name of a transcript';
    return undefined;
  }
}

function reals(paths: readonly string[]): Promise<readonly string[]> {
  return Promise.all(paths.map((path) => realpath(path).catch(() => path)));
}
