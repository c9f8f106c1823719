import { execFileSync } from 'node:child_process';
import * as zlib from 'node:zlib';

const magic = Buffer.from('28b52ffd', 'hex');
const blockType = { raw: 0, run: 1 } as const;
const largestBlock = 128 * 1024;

function blockHeader(type: number, size: number, isLast: boolean): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE(Number(isLast) | (type << 1) | (size << 3), 0, 3);
  return header;
}

/** A frame without a content size, with a window of 1 MiB (RFC 8878, section 3.1.1). */
function frame(blocks: readonly Buffer[]): Buffer {
  return Buffer.concat([magic, Buffer.from([0x00, 0x50]), ...blocks]);
}

/** A valid zstd frame that stores its content as it is, so that tests need no compressor. */
export function packed(content: string | Buffer, blockBytes = largestBlock): Buffer {
  const bytes = Buffer.from(content);
  const blocks: Buffer[] = [];
  for (let start = 0; start === 0 || start < bytes.length; start += blockBytes) {
    const block = bytes.subarray(start, start + blockBytes);
    const isLast = start + blockBytes >= bytes.length;
    blocks.push(blockHeader(blockType.raw, block.length, isLast), block);
  }
  return frame(blocks);
}

/** A frame of few bytes for any number of the same one. */
export function packedRun(byte: number, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let start = 0; start < length; start += largestBlock) {
    const size = Math.min(largestBlock, length - start);
    const isLast = start + size === length;
    blocks.push(blockHeader(blockType.run, size, isLast), Buffer.from([byte]));
  }
  return frame(blocks);
}

/** A frame that readers pass over (section 3.1.2). */
export function skippable(size: number): Buffer {
  const header = Buffer.from('502a4d1800000000', 'hex');
  header.writeUInt32LE(size, 4);
  return Buffer.concat([header, Buffer.alloc(size, 0xaa)]);
}

/** `ZSTD_c_compressionLevel` and `ZSTD_c_checksumFlag` of zstd.h. */
const [levelParameter, checkParameter] = [100, 201];

/** A real compressor at a level: of newer releases of Node, or the command line's; `undefined` where there is neither. */
export const compress = compressor();

type Compress = (content: Buffer, level: number) => Buffer;

function compressor(): Compress | undefined {
  if ('zstdCompressSync' in zlib && typeof zlib.zstdCompressSync === 'function') {
    const { zstdCompressSync } = zlib;
    return (content, level) =>
      zstdCompressSync(content, { params: { [levelParameter]: level, [checkParameter]: 1 } });
  }
  const run: Compress = (content, level) =>
    execFileSync('zstd', [`-${level}`, '-c', '--check'], {
      input: content,
      maxBuffer: 1 << 30,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  try {
    run(Buffer.from('probe'), 3);
    return run;
  } catch {
    return undefined;
  }
}
