import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Capabilities } from '../bucket/bucket.js';
import type { Io } from '../io.js';
import { refuseLink, withoutLinks } from '../links.js';

/**
 * Where this machine keeps what it remembers of one destination: the same session mirrored to two buckets has two states. A
 * `NotAllowedError` when a link is on the way there; whoever works below it checks the rest of the way, step by step.
 */
export function destinationFolder(stateFolder: string, location: string, project: string): string {
  const id = createHash('sha256').update(`${location}|${project}`).digest('hex').slice(0, 12);
  const folder = join(stateFolder, 'state', id);
  refuseLink(stateFolder, folder);
  return folder;
}

const schema = v.object({ putIfAbsent: v.boolean(), putIfMatch: v.boolean() });

/**
 * What a probe has proven of a store, remembered so that it is not raced again by every command. A store does not lose the
 * ability to arbitrate; one that gains it is found out when the file is deleted, or by `init`.
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

/** Where the harnesses' hooks drop what they tell a watch; one for all destinations. */
export function hookSignalFolder(tracecraftHome: string): string {
  return join(tracecraftHome, 'spool');
}
