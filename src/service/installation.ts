import { lstat, mkdir, readFile, readlink, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, NotAllowedError, NotFoundError, UsageError } from '../errors.js';
import type { Io } from '../io.js';
import type { ServiceManager } from './service.js';
import { refuseControls, type Sealed, type ServiceSpec } from './spec.js';

/** What to install, except the folders that must be created for it. */
export interface Order {
  readonly spec: Omit<ServiceSpec, 'made'>;
  /** The text of the environment file; `undefined` if none was requested. */
  readonly secrets: string | undefined;
  /** Overwrites even a definition that is not ours, or was edited. */
  readonly isForced: boolean;
}

interface Definition {
  readonly text: string;
  /** `undefined`: not written by tracecraft. */
  readonly sealed: Sealed | undefined;
}

export interface Installed {
  readonly spec: ServiceSpec;
  /** False if every file was already there, byte for byte. */
  readonly isChanged: boolean;
}

/** What is installed, if anything. */
export async function readDefinition(manager: ServiceManager): Promise<Definition | undefined> {
  const text = await readIfThere(manager.definition);
  return text === undefined ? undefined : { text, sealed: manager.read(text) };
}

/** The definition `writeInstallation` would write now. `UsageError` if it cannot be expressed. */
export async function planInstallation(
  manager: ServiceManager,
  order: Order,
): Promise<{ readonly spec: ServiceSpec; readonly text: string }> {
  const present = await readDefinition(manager);
  const made = await foldersToMake(filesOf(manager, order.spec));
  const spec = { ...order.spec, made: union(present?.sealed?.spec.made ?? [], made) };
  refuseControls(spec);
  return { spec, text: await manager.render(spec) };
}

/** Writes whatever differs, and removes what an earlier installation with other flags left behind. */
export async function writeInstallation(
  manager: ServiceManager,
  order: Order,
  io: Io,
): Promise<Installed> {
  const present = await readDefinition(manager);
  refuseForeign(manager, present, order.isForced);
  const { spec, text } = await planInstallation(manager, order);
  const was = present?.sealed?.spec.secrets ?? null;
  try {
    for (const folder of spec.made) await mkdir(folder, { recursive: true, mode: 0o700 });
    const changes = [
      was !== null && was !== spec.secrets && (await removeIfThere(was)),
      spec.secrets !== null && (await replace(io, spec.secrets, order.secrets ?? '')),
      await replace(io, manager.definition, text),
      manager.link !== undefined && (await replaceLink(manager.link.path, manager.link.target)),
    ];
    return { spec, isChanged: changes.includes(true) };
  } catch (error) {
    throw new NotAllowedError(`cannot write the service: ${messageOf(error)}`, {
      hint: `Make ${dirname(manager.definition)} writable to you, then install again.`,
      cause: error,
    });
  }
}

export interface Removed {
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** Files next to the definition that someone else put there. */
  readonly left: readonly string[];
}

/** What `uninstall` may remove. `NotFoundError` if nothing is installed, `UsageError` if it is not as we wrote it. */
export async function removable(
  manager: ServiceManager,
  isForced: boolean,
): Promise<ServiceSpec | undefined> {
  const present = await readDefinition(manager);
  if (present === undefined) {
    if (manager.link !== undefined && (await leadsTo(manager.link.path, manager.link.target)))
      return undefined;
    throw new NotFoundError(`not installed: there is no ${manager.definition}`, {
      hint: '"tracecraft service install" installs it.',
    });
  }
  refuseForeign(manager, present, isForced);
  return present.sealed?.spec;
}

/** Removes the files, then the folders created for them, if they are empty by now. */
export async function removeInstallation(
  manager: ServiceManager,
  spec: ServiceSpec | undefined,
): Promise<Removed> {
  const { link, log, definition, ownAdditions } = manager;
  const isOurLink = link !== undefined && (await leadsTo(link.path, link.target));
  const candidates = [
    ...(isOurLink ? [link.path] : []),
    definition,
    ...(spec?.secrets == null ? [] : [spec.secrets]),
    ...(log === undefined ? [] : [log, `${log}.1`]),
  ];
  const files: string[] = [];
  for (const path of candidates) if (await removeIfThere(path)) files.push(path);
  const folders: string[] = [];
  for (const folder of (spec?.made ?? []).toReversed()) {
    if (await rmdir(folder).then(yes, no)) folders.push(folder);
  }
  const left = ownAdditions !== undefined && (await isThere(ownAdditions)) ? [ownAdditions] : [];
  return { files, folders, left };
}

function refuseForeign(
  { definition }: ServiceManager,
  present: Definition | undefined,
  isForced: boolean,
): void {
  if (present === undefined || isForced) return;
  if (present.sealed === undefined) {
    throw new UsageError(`tracecraft did not write ${definition}`, {
      hint: 'Check it first; --force continues regardless.',
    });
  }
  if (!present.sealed.isEdited) return;
  throw new UsageError(`${definition} was changed since tracecraft wrote it`, {
    hint: 'Keep what you need of it (on Linux in a drop-in: systemctl --user edit tracecraft); --force continues regardless.',
  });
}

function filesOf(manager: ServiceManager, spec: Omit<ServiceSpec, 'made'>): readonly string[] {
  const { definition, link } = manager;
  return [definition, link?.path, spec.secrets, spec.log].filter((path) => path != null);
}

/** Every folder above these files that does not exist yet. */
async function foldersToMake(files: readonly string[]): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const file of files) {
    for (let folder = dirname(file); !(await isThere(folder)); folder = dirname(folder)) {
      missing.push(folder);
    }
  }
  return missing;
}

/** Each once, outermost first. */
function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].sort();
}

async function replace(io: Io, path: string, text: string): Promise<boolean> {
  const isSame = (await readIfThere(path)) === text && (await isPrivateFile(path));
  if (!isSame) await io.replaceFile(path, text);
  return !isSame;
}

async function replaceLink(path: string, target: string): Promise<boolean> {
  if (await leadsTo(path, target)) return false;
  await rm(path, { force: true });
  await symlink(target, path);
  return true;
}

async function leadsTo(path: string, target: string): Promise<boolean> {
  return (await readlink(path).catch(() => undefined)) === target;
}

async function isPrivateFile(path: string): Promise<boolean> {
  const stat = await lstat(path);
  return stat.isFile() && (stat.mode & 0o077) === 0;
}

async function removeIfThere(path: string): Promise<boolean> {
  if (!(await isThere(path))) return false;
  await rm(path, { force: true });
  return true;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (!(await isThere(path))) return undefined;
    throw new NotAllowedError(`cannot read ${path}: ${messageOf(error)}`, {
      hint: 'Make it readable to you, or remove it.',
      cause: error,
    });
  }
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(yes, no);
}

const yes = (): boolean => true;
const no = (): boolean => false;
