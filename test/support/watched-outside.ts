import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';

/** A folder of the user's that nothing of ours may touch. What lies in it looks like our own leftovers, three days old. */
export interface Outside {
  readonly path: string;
  /** Watches another folder, too. */
  add(path: string): void;
  /** Names, contents, modes and times of all that is there. Times of reading are not in it. */
  look(): string;
}

const baitNames = [
  'notes.txt',
  '4711-0123456789abcdef',
  'a.json',
  'main.json',
  'main.parts',
  'main.outbox',
  'watch.lock',
  '.claude-code.4711',
  'claude-code.s1.advanced',
  '1-Ab3dE9/joined.jsonl',
  'lock-0123456789abcdef/pid=4711&nonce=1',
  'p/agents/a.json',
];

export async function createOutside(path: string): Promise<Outside> {
  const folders = new Set([path]);
  for (const name of baitNames) {
    const file = join(path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `the user's ${name}\n`);
    folders.add(dirname(file));
    await age(file);
  }
  await mkdir(join(path, '999999-aBcDeF'));
  folders.add(join(path, '999999-aBcDeF'));
  for (const folder of folders) await age(folder);
  const watched = [path];
  return {
    path,
    add: (another) => watched.push(another),
    look: () => watched.flatMap(snapshot).join('\n'),
  };
}

export async function age(path: string): Promise<void> {
  const threeDaysAgo = Date.now() / 1000 - 3 * 86_400;
  await utimes(path, threeDaysAgo, threeDaysAgo);
}

/** All that is below a folder, as lines; links as links. */
export function snapshot(folder: string): string[] {
  const lines = [describeOne(folder, '.')];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    if (entry.isSymbolicLink()) lines.push(`${name} -> ${readlinkSync(path)}`);
    else lines.push(describeOne(path, name));
  }
  return lines.sort();
}

function describeOne(path: string, name: string): string {
  const { mode, mtimeMs, nlink } = statSync(path);
  const isFile = (mode & 0o170000) === 0o100000;
  return [name, mode.toString(8), mtimeMs, nlink, isFile ? readFileSync(path, 'utf8') : ''].join(
    ' ',
  );
}

export const linkKinds = [
  'folder',
  'relative folder',
  'file',
  'relative file',
  'dangling',
  'dangling relative',
  'sibling',
] as const;
export type LinkKind = (typeof linkKinds)[number];

/** Puts a link where `path` would be. One to a sibling leads to a folder beside it, which is watched from then on. */
export async function plant(path: string, kind: LinkKind, outside: Outside): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (kind === 'sibling') {
    await mkdir(`${path}-sibling`);
    await writeFile(join(`${path}-sibling`, 'notes.txt'), "the user's");
    outside.add(`${path}-sibling`);
  }
  await symlink(targetOf(path, kind, outside), path);
}

function targetOf(path: string, kind: LinkKind, outside: Outside): string {
  const from = (target: string): string => relative(dirname(path), target);
  const bait = baitNames.find((name) => basename(name) === basename(path)) ?? 'notes.txt';
  switch (kind) {
    case 'folder':
      return outside.path;
    case 'relative folder':
      return from(outside.path);
    case 'file':
      return join(outside.path, bait);
    case 'relative file':
      return from(join(outside.path, bait));
    case 'dangling':
      return join(outside.path, 'not', 'there');
    case 'dangling relative':
      return from(join(outside.path, 'nothing'));
    case 'sibling':
      return `${basename(path)}-sibling`;
  }
}
