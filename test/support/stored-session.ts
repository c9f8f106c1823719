import { openOutline } from '../../src/app/outlines.js';
import type { Bucket } from '../../src/bucket/bucket.js';
import type { Checkpoint, ShippedPart } from '../../src/mirror/checkpoint.js';
import { nameOf } from '../../src/mirror/checkpoint.js';
import { encodeMeta, metaDocument, type StreamPicture } from '../../src/mirror/meta/document.js';
import { startPosition } from '../../src/mirror/stream.js';
import { type MetaDocument, metaSchema, parseDocument } from '../../src/protocol/documents.js';
import type { Layout } from '../../src/protocol/keys.js';

export interface StoredSession {
  readonly harness: string;
  readonly id: string;
  /** Lines without newlines, by stream; '' is the main one. */
  readonly streams: ReadonlyMap<string, readonly string[]>;
}

/** Puts a session as a watch would have left it, in parts of so many lines; gives its `meta.json`. */
export async function storeSession(
  bucket: Bucket,
  layout: Layout,
  { harness, id, streams }: StoredSession,
  linesInPart: number,
): Promise<MetaDocument> {
  const pictures = new Map<string, StreamPicture>();
  for (const [name, lines] of streams) {
    const prefix = layout.stream(harness, id, name);
    const parts: ShippedPart[] = [];
    for (let start = 0; start < lines.length; start += linesInPart) {
      const some = lines.slice(start, start + linesInPart);
      const body = Buffer.from(some.map((line) => `${line}\n`).join(''));
      const part = partAt(parts.length, start, some.length, body.length);
      await bucket.put(prefix + nameOf(part), body);
      parts.push(part);
    }
    const outline = openOutline({ harness, id }, name);
    for (const [number, line] of lines.entries()) outline?.row(line, number);
    const position = { ...startPosition, line: lines.length };
    const checkpoint: Checkpoint = {
      generation: 0,
      sequence: parts.length,
      parts,
      position,
      ahead: false,
    };
    pictures.set(name, { checkpoint, facts: {}, outline: outline?.outline() });
  }
  const main = pictures.get('');
  pictures.delete('');
  const picture = { session: { harness, id }, agent: null, host: 'here', sourcePath: null };
  const rest = { redactorVersion: '1', facts: {}, main, further: pictures };
  const key = layout.meta(harness, id);
  const body = encodeMeta(metaDocument({ ...picture, ...rest }));
  await bucket.put(key, body);
  return parseDocument(metaSchema, key, body);
}

function partAt(sequence: number, startLine: number, lines: number, bytes: number): ShippedPart {
  return {
    sequence,
    generation: 0,
    startLine,
    endLine: startLine + lines,
    sourceBytes: bytes,
    uploadedBytes: bytes,
    fingerprint: '',
    redactions: {},
    uploadedAtMs: 0,
  };
}
