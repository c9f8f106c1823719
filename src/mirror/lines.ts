import { createHash } from 'node:crypto';

const newline = 0x0a;

/** The complete lines of `bytes`, each with its newline, as views into it. Drops an unterminated rest. */
export function completeLines(bytes: Buffer): Buffer[] {
  return [...linesIn(bytes)];
}

/** The same, one at a time: the lines of a large part are as many objects as there are. */
export function* linesIn(bytes: Buffer): Iterable<Buffer> {
  let start = 0;
  for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
    yield bytes.subarray(start, end + 1);
    start = end + 1;
  }
}

/** The same as texts, without a view of each. */
export function* textLines(bytes: Buffer): Iterable<string> {
  let start = 0;
  for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
    yield bytes.toString('utf8', start, end);
    start = end + 1;
  }
}

/** How many complete lines `bytes` has. */
export function countLines(bytes: Buffer): number {
  let count = 0;
  for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, end + 1)) {
    count += 1;
  }
  return count;
}

export function endsWithNewline(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes[bytes.length - 1] === newline;
}

/** A fingerprint of source bytes. Stays on this machine: published, it would let anyone test guesses at a secret. */
export function fingerprint(lines: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const line of lines) hash.update(line);
  return shortDigest(hash.digest('hex'));
}

/** Tells whether an object in the bucket still holds the bytes that were sent from here. */
export function uploadedDigest(body: Uint8Array): string {
  return shortDigest(createHash('sha256').update(body).digest('hex'));
}

/** So much of a SHA-256 in hex is remembered. */
export function shortDigest(sha256: string): string {
  return sha256.slice(0, 32);
}
