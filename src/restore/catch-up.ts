import type { Bucket } from '../bucket/bucket.js';
import { LostError, PartialError } from '../errors.js';
import { completeLines } from '../mirror/lines.js';
import { type Verdict, verifyStream } from '../mirror/slots/verify.js';
import type { Stream } from '../mirror/stream.js';
import type { RestoreDisk } from './disk.js';
import { type ChosenStream, readStream } from './lineage.js';

const newline = 0x0a;

/**
 * Adds to a transcript here what it went on with elsewhere: the lines of the chain that follow its last one. A line of
 * which only the beginning is there, because the last attempt was interrupted, is completed.
 */
export async function catchUp(
  bucket: Bucket,
  disk: RestoreDisk,
  main: Stream,
  stream: ChosenStream,
  { sourceLines }: Verdict,
): Promise<Verdict> {
  const path = main.source;
  if (!path.endsWith('.jsonl') || (await disk.kindAt(path)) !== 'file') {
    throw new LostError(
      `session ${stream.session} is here, and shorter than in the bucket: ${path}`,
      {
        hint: 'Only a plain transcript can be added to. Restore a copy with --as-new.',
      },
    );
  }
  let torn = await tornLine(disk, path);
  const file = await disk.openEnd(path);
  try {
    for await (const part of readStream(bucket, stream)) {
      const missing = completeLines(part.body).slice(Math.max(0, sourceLines - part.startLine));
      const [first] = missing;
      if (first === undefined) continue;
      if (!first.subarray(0, torn.length).equals(torn)) throw otherEnd(path);
      const bytes = Buffer.concat(missing).subarray(torn.length);
      torn = Buffer.alloc(0);
      await file.write(bytes);
    }
  } finally {
    await file.close();
  }
  const verdict = await verifyStream(bucket, stream.listing.prefix, main);
  if (verdict.state === 'ok' || verdict.state === 'behind') return verdict;
  throw new PartialError(`${path} does not agree with the bucket after it was added to`, {
    hint: 'Something else wrote to it at the same time. "tracecraft session verify" says where.',
  });
}

/** What follows the last newline. */
async function tornLine(disk: RestoreDisk, path: string): Promise<Buffer> {
  let rest: Buffer[] = [];
  for await (const piece of disk.read(path)) {
    const end = piece.lastIndexOf(newline) + 1;
    if (end > 0) rest = [];
    rest.push(Buffer.from(piece.subarray(end)));
  }
  return Buffer.concat(rest);
}

function otherEnd(path: string): LostError {
  return new LostError(`${path} ends in the middle of a line that the bucket does not have`, {
    hint: 'It was left as it is. Resume it once here, or restore a copy with --as-new.',
  });
}
