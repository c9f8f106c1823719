/**
 * SHA-256 (FIPS 180-4) of a short text, in hex. Node's `crypto` takes longer to load than a command takes to read its
 * config, and reading a session needs of it only the names of parts. For anything long, or secret, use `node:crypto`.
 */
export function sha256Hex(content: string | Uint8Array): string {
  const bytes = padded(typeof content === 'string' ? Buffer.from(content) : content);
  const state = Int32Array.from(initial);
  const words = new Int32Array(64);
  for (let at = 0; at < bytes.length; at += blockBytes) addBlock(state, words, bytes, at);
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

const blockBytes = 64;

/** The fractional parts of the cube roots of the first 64 primes, and of the square roots of the first eight. */
const primes = firstPrimes(64);
const constants = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const initial = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

function firstPrimes(count: number): readonly number[] {
  const found: number[] = [];
  for (let one = 2; found.length < count; one += 1) {
    if (found.every((prime) => one % prime !== 0)) found.push(one);
  }
  return found;
}

/** The first 32 bits of what follows the point. */
function fraction(value: number): number {
  return Math.floor((value - Math.floor(value)) * 2 ** 32) | 0;
}

/** A bit, zeros, and the length in bits, up to whole blocks. */
function padded(content: Uint8Array): Buffer {
  const blocks = Math.ceil((content.length + 9) / blockBytes);
  const bytes = Buffer.alloc(blocks * blockBytes);
  bytes.set(content);
  bytes[content.length] = 0x80;
  bytes.writeBigUInt64BE(8n * BigInt(content.length), bytes.length - 8);
  return bytes;
}

function addBlock(state: Int32Array, words: Int32Array, bytes: Buffer, at: number): void {
  const word = (n: number): number => words[n] ?? 0;
  for (let n = 0; n < 16; n += 1) words[n] = bytes.readInt32BE(at + 4 * n);
  for (let n = 16; n < 64; n += 1) {
    const [early, late] = [word(n - 15), word(n - 2)];
    const mixedEarly = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
    const mixedLate = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
    words[n] = word(n - 16) + mixedEarly + word(n - 7) + mixedLate;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let n = 0; n < 64; n += 1) {
    const chosen = (e & f) ^ (~e & g);
    const mixedE = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const first = (h + mixedE + chosen + (constants[n] ?? 0) + word(n)) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const mixedA = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + mixedA + majority) | 0];
  }
  for (const [n, value] of [a, b, c, d, e, f, g, h].entries()) state[n] = (state[n] ?? 0) + value;
}

function turned(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
