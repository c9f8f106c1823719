import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import { encodeId, encodeStreamName } from '../../protocol/names.js';
import type { Checkpoint, ShippedPart } from '../checkpoint.js';
import { type KeptOutline, keptOutlineSchema } from '../outline.js';
import type { FileSnapshot, JsonValue, SessionFacts } from '../stream.js';

/**
 * What is remembered about one stream between runs: its checkpoint, and its source's snapshot at the time. A cache:
 * losing it, or finding it damaged, costs a listing and some reads, never an upload, and nothing in it overrides the
 * source or the bucket. It contains fingerprints of source bytes, so it stays on this machine (files of mode 600).
 */
export interface StreamState {
  readonly checkpoint: Checkpoint;
  readonly facts: SessionFacts;
  readonly outline: KeptOutline | undefined;
  readonly snapshot: FileSnapshot | undefined;
}

export interface StreamStateFile {
  load(): Promise<StreamState | undefined>;
  save(state: StreamState): Promise<void>;
}

/** Called once per kind of problem; the mirror continues without its cache. */
export type StateTrouble = (error: unknown) => void;

export const noStreamState: StreamStateFile = {
  load: async () => undefined,
  save: async () => undefined,
};

export function streamStatePath(
  folder: string,
  harness: string,
  sessionId: string,
  stream: string,
): string {
  const leaf = stream === '' ? 'main' : `streams/${encodeStreamName(stream)}`;
  return join(folder, harness, encodeId(sessionId), leaf);
}

/**
 * Two files: `<path>.json`, the checkpoint, replaced as a whole; `<path>.parts`, one line per part, appended. The
 * checkpoint says how many parts count, so a torn or surplus last line does no harm; every line and the checkpoint
 * have checksums of their own.
 */
export function streamStateFile(io: Io, path: string, trouble: StateTrouble): StreamStateFile {
  let onDisk: readonly ShippedPart[] | undefined;

  const saveParts = async (parts: readonly ShippedPart[]): Promise<void> => {
    const file = `${path}.parts`;
    const isContinued = onDisk?.every((part, index) => part === parts[index]);
    if (onDisk === undefined || !isContinued) {
      await io.replaceFile(file, parts.map(encodePart).join(''));
    } else if (onDisk.length < parts.length) {
      await io.appendFile(file, parts.slice(onDisk.length).map(encodePart).join(''));
    }
    onDisk = parts;
  };

  return {
    load: async () => {
      try {
        const checkpoint = decodeCheckpoint(await io.readFile(`${path}.json`));
        if (checkpoint === undefined) return undefined;
        const parts = decodeParts(await io.readFile(`${path}.parts`), checkpoint.parts);
        return parts === undefined ? undefined : assemble(checkpoint, parts);
      } catch (error) {
        trouble(error);
        return undefined;
      }
    },
    save: async (state) => {
      try {
        await saveParts(state.checkpoint.parts);
        await io.replaceFile(`${path}.json`, encodeCheckpoint(state));
      } catch (error) {
        onDisk = undefined;
        trouble(error);
      }
    },
  };
}

/** Forgets everything about one session. */
export async function forgetSession(
  io: Io,
  folder: string,
  harness: string,
  sessionId: string,
): Promise<void> {
  await withoutLinks(io, folder).remove(dirname(streamStatePath(folder, harness, sessionId, '')));
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const partTuple = v.tuple([
  count,
  count,
  count,
  count,
  count,
  count,
  v.string(),
  v.number(),
  v.record(v.string(), count),
  v.optional(v.boolean()),
  v.optional(v.string()),
]);

const headSchema = v.object({
  v: v.literal(1),
  generation: count,
  sequence: count,
  parts: count,
  line: count,
  at: v.unknown(),
  facts: v.record(v.string(), v.union([v.string(), v.number()])),
  outline: v.fallback(v.optional(keptOutlineSchema), undefined),
  look: v.nullable(v.object({ token: v.string(), size: v.number(), modifiedAtMs: v.number() })),
});
type StoredHead = v.InferOutput<typeof headSchema>;

function encodeCheckpoint({ checkpoint, facts, outline, snapshot }: StreamState): string {
  const body = JSON.stringify({
    v: 1,
    generation: checkpoint.generation,
    sequence: checkpoint.sequence,
    parts: checkpoint.parts.length,
    line: checkpoint.position.line,
    at: checkpoint.position.at,
    facts,
    outline,
    look: snapshot ?? null,
  });
  return `${checksum(body)} ${body}\n`;
}

function decodeCheckpoint(bytes: Buffer | undefined): StoredHead | undefined {
  const body = bytes === undefined ? undefined : checked(bytes.toString('utf8').trimEnd());
  if (body === undefined) return undefined;
  const result = v.safeParse(headSchema, parsed(body));
  return result.success ? result.output : undefined;
}

function encodePart(part: ShippedPart): string {
  const body = JSON.stringify([
    part.sequence,
    part.generation,
    part.startLine,
    part.endLine,
    part.sourceBytes,
    part.uploadedBytes,
    part.fingerprint,
    part.uploadedAtMs,
    part.redactions,
    part.isRange === true,
    ...(part.uploadedDigest === undefined ? [] : [part.uploadedDigest]),
  ]);
  return `${checksum(body)} ${body}\n`;
}

/** The first `wanted` parts, or `undefined` unless they are all there, intact and in order. */
function decodeParts(bytes: Buffer | undefined, wanted: number): ShippedPart[] | undefined {
  const lines = (bytes?.toString('utf8') ?? '').split('\n').slice(0, wanted);
  const parts: ShippedPart[] = [];
  for (const line of lines) {
    if (line === '') break;
    const part = decodePart(line);
    const expected = parts[parts.length - 1]?.endLine ?? 0;
    if (part === undefined || part.startLine !== expected) return undefined;
    parts.push(part);
  }
  return parts.length === wanted ? parts : undefined;
}

function decodePart(line: string): ShippedPart | undefined {
  const body = checked(line);
  if (body === undefined) return undefined;
  const result = v.safeParse(partTuple, parsed(body));
  if (!result.success) return undefined;
  const [sequence, generation, startLine, endLine, sourceBytes, uploadedBytes, print, at] =
    result.output;
  const [, , , , , , , , redactions, isRange, digest] = result.output;
  return {
    sequence,
    generation,
    startLine,
    endLine,
    sourceBytes,
    uploadedBytes,
    fingerprint: print,
    redactions,
    uploadedAtMs: at,
    ...(digest === undefined ? {} : { uploadedDigest: digest }),
    ...(isRange ? { isRange } : {}),
  };
}

function assemble(stored: StoredHead, parts: readonly ShippedPart[]): StreamState | undefined {
  if ((parts[parts.length - 1]?.endLine ?? 0) !== stored.line) return undefined;
  return {
    checkpoint: {
      generation: stored.generation,
      sequence: stored.sequence,
      parts,
      position: { line: stored.line, at: stored.at as JsonValue },
      ahead: false,
    },
    facts: stored.facts as SessionFacts,
    outline: stored.outline,
    snapshot: stored.look ?? undefined,
  };
}

function checked(line: string): string | undefined {
  const body = line.slice(17);
  return line[16] === ' ' && checksum(body) === line.slice(0, 16) ? body : undefined;
}

function checksum(body: string): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 16);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
