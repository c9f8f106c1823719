import { lstat, realpath, stat } from 'node:fs/promises';
import { isBelow } from './directory-listings.js';

export interface LinkTarget {
  /** Why it is not followed; `undefined`: it leads to a folder that may be. */
  readonly refusal: string | undefined;
}

/**
 * Which links below a harness's folder are followed: those to folders of the same user that lie in the home folder or in a
 * folder that the environment names. `wanted` tells whether a linked file would be a transcript by its name.
 */
export class Links {
  readonly #allowed: readonly string[];
  readonly #mirrored: readonly string[];
  readonly #wanted: (path: string) => boolean;

  /** What lies below `mirrored` is met there anyway. */
  constructor(
    allowed: readonly string[],
    mirrored: readonly string[],
    wanted: (path: string) => boolean,
  ) {
    this.#allowed = allowed;
    this.#mirrored = mirrored;
    this.#wanted = wanted;
  }

  /** `undefined` for what is no link, leads nowhere, or is nothing of a session. */
  async follow(path: string): Promise<LinkTarget | undefined> {
    try {
      const link = await lstat(path);
      if (!link.isSymbolicLink()) return undefined;
      const [real, target] = await Promise.all([realpath(path), stat(path)]);
      if (!target.isDirectory()) {
        return target.isFile() && this.#wanted(path)
          ? { refusal: `it is a link to a file, ${real}` }
          : undefined;
      }
      if (isBelow(path, real)) return undefined;
      if ((await reals(this.#mirrored)).some((root) => isBelow(real, root))) return undefined;
      const roots = await reals(this.#allowed);
      if (!roots.some((root) => isBelow(real, root))) {
        return { refusal: `it is a link to ${real}, outside of the home folder` };
      }
      const own = process.getuid?.();
      if (own !== undefined && target.uid !== own) {
        return { refusal: `it is a link to ${real}, a folder of another user` };
      }
      return { refusal: undefined };
    } catch {
      return undefined;
    }
  }
}

function reals(paths: readonly string[]): Promise<readonly string[]> {
  return Promise.all(paths.map((path) => realpath(path).catch(() => path)));
}
