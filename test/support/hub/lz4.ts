const magic = 0x184d2204;

/** Decodes one LZ4 frame: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md */
export function decodeLz4Frame(frame: Buffer, size: number): Buffer {
  if (frame.readUInt32LE(0) !== magic) throw new Error('not an LZ4 frame');
  const flags = frame.readUInt8(4);
  const hasContentSize = (flags & 0x08) !== 0;
  const hasBlockChecksum = (flags & 0x10) !== 0;
  const hasDictionary = (flags & 0x01) !== 0;
  let at = 7 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0);
  const out = Buffer.alloc(size);
  let filled = 0;
  for (;;) {
    const header = frame.readUInt32LE(at);
    at += 4;
    if (header === 0) break;
    const length = header & 0x7fffffff;
    const block = frame.subarray(at, at + length);
    const isStored = header >>> 31 === 1;
    filled = isStored ? filled + block.copy(out, filled) : decodeBlock(block, out, filled);
    at += length + (hasBlockChecksum ? 4 : 0);
  }
  if (filled !== size) throw new Error(`an LZ4 frame of ${filled} bytes instead of ${size}`);
  return out;
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
function decodeBlock(block: Buffer, out: Buffer, start: number): number {
  let to = start;
  let at = 0;
  const extended = (nibble: number): number => {
    let length = nibble;
    if (nibble !== 15) return length;
    for (let more = 255; more === 255; at += 1) {
      more = block.readUInt8(at);
      length += more;
    }
    return length;
  };
  while (at < block.length) {
    const token = block.readUInt8(at);
    at += 1;
    const literals = extended(token >> 4);
    block.copy(out, to, at, at + literals);
    to += literals;
    at += literals;
    if (at >= block.length) return to;
    const offset = block.readUInt16LE(at);
    at += 2;
    const matches = extended(token & 15) + 4;
    for (let index = 0; index < matches; index += 1, to += 1) {
      out.writeUInt8(out.readUInt8(to - offset), to);
    }
  }
  return to;
}
