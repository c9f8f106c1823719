import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Bucket, Conditional, Etag, Key } from '../bucket/bucket.js';
import { diskTrouble, openScratch } from '../compact/scratch.js';
import { LostError, NotFoundError } from '../errors.js';
import type { Redactor } from '../redact/redact.js';
import { keepsForm } from '../redact/same-form.js';
import { type ListedObject, type SecretSearch, shownKey } from './bucket-secrets.js';
import { mostBytesInMemory } from './large-object.js';
import { redactStream } from './redaction.js';

/** `left`: redacted, it would no longer be what its readers expect. `gone`: somebody deleted it meanwhile. */
export type Rewrite = 'rewritten' | 'clean' | 'left' | 'gone';

/** What to do before an object gets another content; `false`: leave it. */
export type BeforeRewrite = (before: Buffer, after: Buffer) => Promise<boolean>;

/** Each loss means somebody else wrote the object. */
const mostAttempts = 6;

/** Writes an object back without its secrets. If somebody else writes it first, starts over from their version. */
export async function rewriteObject(
  context: SecretSearch,
  { key, size }: ListedObject,
  before: BeforeRewrite = async () => true,
): Promise<Rewrite> {
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const rewrite =
      size > mostBytesInMemory
        ? await rewriteLarge(context, key)
        : await rewriteInMemory(context, key, before);
    if (rewrite !== 'again') return rewrite;
  }
  const shown = shownKey(context.redactor, context.layout, key);
  throw new LostError(`${shown} keeps being replaced by others`, { hint: 'Try again.' });
}

async function rewriteInMemory(
  { bucket, redactor }: SecretSearch,
  key: Key,
  before: BeforeRewrite,
): Promise<Rewrite | 'again'> {
  const stored = await bucket.get(key);
  if (stored === undefined) return 'gone';
  const redacted = await redactedBody(redactor, stored.body);
  if (redacted.equals(stored.body)) return 'clean';
  if (!keepsForm(stored.body, redacted)) return 'left';
  if (!(await before(stored.body, redacted))) return 'left';
  const { written } = await replaceStored(bucket, key, redacted, stored.etag);
  return written ? 'rewritten' : 'again';
}

/** Exactly what a scan takes for secrets is replaced, so a scan finds none afterwards. */
async function redactedBody(redactor: Redactor, body: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const output = new Writable({
    write: (piece: Buffer, _encoding, done) => {
      pieces.push(piece);
      done();
    },
  });
  await redactStream(redactor, only(body), output);
  return Buffer.concat(pieces);
}

async function* only(body: Buffer): AsyncIterable<Buffer> {
  yield body;
}

async function replaceStored(
  bucket: Bucket,
  key: Key,
  body: Buffer,
  etag: Etag,
): Promise<Conditional> {
  const contentType = contentTypeOf(key);
  const options = contentType === undefined ? {} : { contentType };
  if (bucket.capabilities.putIfMatch) return bucket.putIfMatch(key, body, etag, options);
  // The store does not arbitrate: looking just before leaves a gap of one request.
  if ((await etagOf(bucket, key)) !== etag) return { written: false };
  return { written: true, ...(await bucket.put(key, body, options)) };
}

function contentTypeOf(key: Key): string | undefined {
  if (key.endsWith('.jsonl')) return 'application/x-ndjson';
  return key.endsWith('.json') ? 'application/json' : undefined;
}

async function etagOf(bucket: Bucket, key: Key): Promise<Etag | undefined> {
  return (await bucket.get(key, { range: { start: 0, end: 0 } }))?.etag;
}

/**
 * Goes through the disk, for a compacted transcript or a part that is one huge line. Such an upload cannot be conditional,
 * but the former can be rebuilt from its parts, and nobody else writes the latter.
 */
async function rewriteLarge(
  { bucket, redactor, folder }: SecretSearch,
  key: Key,
): Promise<Rewrite | 'again'> {
  const etag = await etagOf(bucket, key);
  if (etag === undefined) return 'gone';
  const scratch = await openScratch(folder);
  try {
    const [from, to] = [join(scratch.path, 'object'), join(scratch.path, 'redacted')];
    await bucket.getFile(key, from);
    const output = createWriteStream(to, { mode: 0o600 });
    const written = finished(output);
    await redactStream(redactor, createReadStream(from, { highWaterMark: 1 << 20 }), output);
    output.end();
    await written;
    if ((await linesIn(from)) !== (await linesIn(to))) return 'left';
    if ((await etagOf(bucket, key)) !== etag) return 'again';
    await bucket.putFile(key, to);
    return 'rewritten';
  } catch (error) {
    if (error instanceof NotFoundError) return 'gone';
    throw diskTrouble(scratch.path, error);
  } finally {
    await scratch.remove();
  }
}

async function linesIn(path: string): Promise<number> {
  let lines = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes = Buffer.from(chunk);
    for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) lines += 1;
  }
  return lines;
}
