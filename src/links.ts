import { lstatSync } from 'node:fs';
import { dirname, isAbsolute, relative, sep } from 'node:path';
import { NotAllowedError } from './errors.js';
import type { Io } from './io.js';

/**
 * The first symbolic link between `root` and `path`. `root` itself may be one, because its owner chose it; a path
 * outside `root` has none. Synchronous, like `stat`: local state is checked by the ten thousand, and is on this
 * machine.
 */
function linkBelow(root: string, path: string): string | undefined {
  const way = wayBelow(root, path);
  if (way === '') return undefined;
  let reached = root;
  for (const segment of way.split(sep)) {
    reached = `${reached}${sep}${segment}`;
    const kind = kindOf(reached);
    if (kind === 'link') return reached;
    if (kind === 'none') return undefined;
  }
  return undefined;
}

/**
 * From `root` to `path`, normalised; '' if that is no way down. Nearly every path was joined to `root`, and node:path takes
 * so long over thousands of them that V8 optimises it, which costs a short command more than all it asks of the disk.
 */
function wayBelow(root: string, path: string): string {
  const way = path.slice(root.length + 1);
  if (path.startsWith(root) && path[root.length] === sep && !unnormalised.test(way)) return way;
  const found = relative(root, path);
  return found === '..' || found.startsWith(`..${sep}`) || isAbsolute(found) ? '' : found;
}

/** A segment that is empty, `.` or `..`, or a separator that is not this system's usual one. */
const unnormalised = sep === '/' ? /(?:^|\/)\.{0,2}(?:\/|$)/ : /(?:^|\\)\.{0,2}(?:\\|$)|\//;

/** Throws a `NotAllowedError` that names the link, if there is one between `root` and `path`. */
export function refuseLink(root: string, path: string): void {
  const link = linkBelow(root, path);
  if (link !== undefined) throw linkInTheWay(path, link, root);
}

export function linkInTheWay(path: string, link: string, root: string): NotAllowedError {
  return new NotAllowedError(`cannot use ${path}: ${link} is a symbolic link`, {
    hint: `Links below ${root} are not followed. Remove that one; its target stays as it is.`,
  });
}

/** The same disk, except that nothing below `root` goes through a link. Outside `root` nothing changes. */
export function withoutLinks(io: Io, root: string): Io {
  const checked = async (path: string): Promise<string> => {
    refuseLink(root, path);
    return path;
  };
  return {
    stat: async (path) => io.stat(await checked(path)),
    open: async (path) => io.open(await checked(path)),
    readdir: async (path) => io.readdir(await checked(path)),
    readFile: async (path) => io.readFile(await checked(path)),
    replaceFile: async (path, data, durability) =>
      io.replaceFile(await checked(path), data, durability),
    appendFile: async (path, data) => io.appendFile(await checked(path), data),
    // Removing a link removes the link, not its target, so only the path to it matters.
    remove: async (path) => {
      refuseLink(root, dirname(path));
      await io.remove(path);
    },
  };
}

/** What cannot be examined cannot be used either; using it will say why. */
function kindOf(path: string): 'link' | 'other' | 'none' {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return 'none';
    return found.isSymbolicLink() ? 'link' : 'other';
  } catch {
    return 'none';
  }
}
