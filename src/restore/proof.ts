import type { Io } from '../io.js';
import { withoutLinks } from '../links.js';
import { type Checkpoint, nameOf, type ShippedPart } from '../mirror/checkpoint.js';
import { uploadedDigest } from '../mirror/lines.js';
import { ChainWalk } from '../mirror/slots/listing.js';
import type { ReadPart } from '../mirror/slots/reader.js';
import { streamStateFile, streamStatePath } from '../mirror/state/stream-state.js';
import type { ChosenStream } from './lineage.js';

/** What this machine remembers of its own uploads, if that is all of a chain. */
export interface Proof {
  /** Whether a part holds the very bytes that were sent from here. */
  confirms(part: ReadPart): boolean;
}

/**
 * Whether this machine sent every part of these chains, by its own state alone: host, agent and time are in the bucket,
 * where others may write them. The bytes themselves are confirmed part by part while they are read.
 */
export async function proveOwn(
  io: Io,
  stateFolder: string,
  harness: string,
  streams: readonly ChosenStream[],
): Promise<Proof | undefined> {
  const digests = new Map<string, string>();
  for (const stream of streams) {
    const path = streamStatePath(stateFolder, harness, stream.session, stream.name);
    const file = streamStateFile(withoutLinks(io, stateFolder), path, () => undefined);
    const state = await file.load();
    if (state === undefined) return undefined;
    const parts = sentParts(state.checkpoint, stream);
    if (parts === undefined) return undefined;
    for (const [key, digest] of parts) digests.set(key, digest);
  }
  return {
    confirms: ({ key, body }) => {
      const digest = digests.get(key);
      return digest !== undefined && digest === uploadedDigest(body);
    },
  };
}

/** The chain as it is listed, each part with the digest of what was sent; `undefined` if one is not ours. */
function sentParts(
  { parts }: Checkpoint,
  { listing, generation }: ChosenStream,
): ReadonlyMap<string, string> | undefined {
  const known = new Map(parts.map((part): [string, ShippedPart] => [nameOf(part), part]));
  const walk = ChainWalk.of(listing, generation);
  const digests = new Map<string, string>();
  let line = 0;
  for (let slot = walk?.next(line); slot !== undefined; slot = walk?.next(line)) {
    const part = known.get(slot.name);
    const isSame = part?.startLine === line && part.uploadedBytes === slot.entry.size;
    if (part?.uploadedDigest === undefined || !isSame) return undefined;
    digests.set(listing.prefix + slot.name, part.uploadedDigest);
    line = part.endLine;
  }
  return digests.size === 0 ? undefined : digests;
}
