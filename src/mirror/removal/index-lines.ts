import type { Bucket, Key } from '../../bucket/bucket.js';
import { writeOver } from '../../bucket/write-over.js';
import { LostError } from '../../errors.js';
import { usagePageSuffix } from '../../protocol/keys.js';
import { listIndexFiles } from '../index/index-files.js';
import { listedFields, parseFields, refOf } from '../index/lines.js';
import { encodePage, parsePage, rowsOf } from '../index/usage-page.js';
import { completeLines } from '../lines.js';
import { type SessionRef, sessionKeyOf } from '../stream.js';
import type { RemovalStore } from './record.js';

/** Its owner writes a file once a minute at most. */
const mostAttempts = 8;

/** Takes what is said about these sessions, such as a title, out of every machine's derived index. */
export async function deleteIndexLines(
  { bucket, layout }: RemovalStore,
  ...refs: readonly SessionRef[]
): Promise<void> {
  const gone = new Set(refs.map(sessionKeyOf));
  const { keys } = await listIndexFiles(bucket, layout);
  for (const key of keys) {
    if (key.endsWith('.jsonl')) await replace(bucket, key, (body) => linesWithout(body, gone));
    else if (key.endsWith(usagePageSuffix)) {
      await replace(bucket, key, (body) => pageWithout(body, gone));
    }
  }
}

/** `undefined`: it stays as it is. */
type Rewrite = (body: Buffer) => Buffer | undefined;

async function replace(bucket: Bucket, key: Key, rewrite: Rewrite): Promise<void> {
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const stored = await bucket.get(key);
    const body = stored === undefined ? undefined : rewrite(stored.body);
    if (stored === undefined || body === undefined) return;
    const contentType = key.endsWith('.jsonl') ? 'application/jsonl' : 'application/json';
    if ((await writeOver(bucket, key, body, stored.etag, { contentType })).written) return;
  }
  throw new LostError(`others keep writing ${key}`, { hint: 'Try again.' });
}

function linesWithout(body: Buffer, gone: ReadonlySet<string>): Buffer | undefined {
  const lines = completeLines(body);
  const kept = lines.filter((line) => !isAbout(line, gone));
  return kept.length === lines.length ? undefined : Buffer.concat(kept);
}

function isAbout(line: Buffer, gone: ReadonlySet<string>): boolean {
  const [document] = parseFields(listedFields, line);
  return document !== undefined && gone.has(sessionKeyOf(refOf(document)));
}

/** A page that cannot be read may name them, and nobody misses what else it says: it becomes an empty one. */
function pageWithout(body: Buffer, gone: ReadonlySet<string>): Buffer | undefined {
  const page = parsePage(body);
  if (page === undefined) return encodePage([]);
  const rows = rowsOf(page);
  const kept = rows.filter((row) => !gone.has(sessionKeyOf(refOf(row))));
  return kept.length === rows.length ? undefined : encodePage(kept);
}
