/** A Merkle hash as text: four little-endian 64-bit words, each as 16 hex digits; not the hex of its bytes. */
export function hashText(bytes: Buffer, at: number): string {
  let text = '';
  for (let word = 0; word < 4; word += 1) {
    text += bytes
      .readBigUInt64LE(at + word * 8)
      .toString(16)
      .padStart(16, '0');
  }
  return text;
}
