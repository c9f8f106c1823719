import { join } from 'node:path';
import * as v from 'valibot';
import type { Capabilities } from '../bucket/bucket.js';
import type { Io } from '../io.js';
import { refuseLink, withoutLinks } from '../links.js';
import { sha256Hex } from '../sha256.js';

/**
 * Where this machine remembers one destination: a session mirrored to two buckets has two states. `NotAllowedError`
 * if there is a link on the path; code that works below it checks the rest, step by step.
 */
export function destinationFolder(stateFolder: string, location: string, project: string): string {
  const folder = join(stateFolder, 'state', destinationId(location, project));
  refuseLink(stateFolder, folder);
  return folder;
}

/** What stands for a destination in the names of folders on this machine. */
export function destinationId(location: string, project: string): string {
  return sha256Hex(`${location}|${project}`).slice(0, 12);
}

const schema = v.object({ putIfAbsent: v.boolean(), putIfMatch: v.boolean() });

/**
 * What a probe has proven about a store, remembered so that not every command races it again. A store does not lose
 * the ability to arbitrate; `init`, or deleting the file, discovers one that gained it.
 */
export async function readProven(io: Io, folder: string): Promise<Capabilities | undefined> {
  const bytes = await withoutLinks(io, folder).readFile(provenPath(folder));
  if (bytes === undefined) return undefined;
  try {
    const result = v.safeParse(schema, JSON.parse(bytes.toString('utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

export function recordProven(io: Io, folder: string, capabilities: Capabilities): Promise<void> {
  const content = `${JSON.stringify(capabilities, null, 2)}\n`;
  return withoutLinks(io, folder).replaceFile(provenPath(folder), content);
}

function provenPath(folder: string): string {
  return join(folder, 'capabilities.json');
}

/** Where the harnesses' hooks drop signals for `watch`; one folder for all destinations. */
export function hookSignalFolder(tracecraftHome: string): string {
  return join(tracecraftHome, 'spool');
}
