import { type FileHandle, open } from 'node:fs/promises';

export interface FileLine {
  readonly bytes: Buffer;
  /** Its offset in the file. */
  readonly start: number;
}

const chunkBytes = 1 << 20;
const newline = 0x0a;

/** The lines of a file in order, without newlines; holds the current line and one chunk in memory. */
export async function* fileLines(path: string): AsyncGenerator<FileLine> {
  const file = await open(path, 'r');
  try {
    let waiting: Buffer[] = [];
    let start = 0;
    for (let position = 0; ; ) {
      const chunk = Buffer.allocUnsafe(chunkBytes);
      const { bytesRead } = await file.read(chunk, 0, chunkBytes, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      let from = 0;
      const read = chunk.subarray(0, bytesRead);
      for (let end = read.indexOf(newline); end !== -1; end = read.indexOf(newline, from)) {
        const bytes = Buffer.concat([...waiting, read.subarray(from, end)]);
        yield { bytes, start };
        start += bytes.length + 1;
        waiting = [];
        from = end + 1;
      }
      if (from < read.length) waiting.push(read.subarray(from));
    }
    if (waiting.length > 0) yield { bytes: Buffer.concat(waiting), start };
  } finally {
    await file.close();
  }
}

/** `length` bytes from `start` on. */
export async function readSpan(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(bytes, 0, length, start);
  return bytes.subarray(0, bytesRead);
}
