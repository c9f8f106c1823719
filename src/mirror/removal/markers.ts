import { join } from 'node:path';
import * as v from 'valibot';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import type { SessionRef } from '../stream.js';

/**
 * Notes from `session remove` to the watch on the same machine: the record of this session has changed, look now. The record
 * decides; a note that is lost costs a few minutes.
 */
export interface RemovalMarker {
  readonly path: string;
  readonly session: SessionRef;
}

const schema = v.object({
  v: v.literal(1),
  harness: v.pipe(v.string(), v.minLength(1)),
  session_id: v.pipe(v.string(), v.minLength(1)),
});

export async function leaveMarker(
  io: Io,
  folder: string,
  { harness, id }: SessionRef,
  nonce: string,
): Promise<void> {
  const body = `${JSON.stringify({ v: 1, harness, session_id: id })}\n`;
  await withoutLinks(io, folder).replaceFile(join(markerFolder(folder), `${nonce}.json`), body);
}

export async function readMarkers(io: Io, folder: string): Promise<readonly RemovalMarker[]> {
  const own = withoutLinks(io, folder);
  const markers: RemovalMarker[] = [];
  for (const { name, kind } of (await own.readdir(markerFolder(folder))) ?? []) {
    if (kind !== 'file' || !/^[a-f0-9]{32}\.json$/.test(name)) continue;
    const path = join(markerFolder(folder), name);
    const session = sessionIn(await own.readFile(path));
    if (session !== undefined) markers.push({ path, session });
  }
  return markers;
}

export function removeMarker(io: Io, folder: string, { path }: RemovalMarker): Promise<void> {
  return withoutLinks(io, folder).remove(path);
}

function markerFolder(folder: string): string {
  return join(folder, 'removed');
}

function sessionIn(bytes: Buffer | undefined): SessionRef | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(bytes?.toString('utf8') ?? 'null'));
    if (!result.success) return undefined;
    return { harness: result.output.harness, id: result.output.session_id };
  } catch {
    return undefined;
  }
}
