import { open } from 'node:fs/promises';

const chunkBytes = 1 << 20;
const newline = 0x0a;

/** The lines of a file in order, without newlines; holds the current line and one chunk in memory. */
export async function* fileLines(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, 'r');
  try {
    let waiting: Buffer[] = [];
    for (let position = 0; ; ) {
      const chunk = Buffer.allocUnsafe(chunkBytes);
      const { bytesRead } = await file.read(chunk, 0, chunkBytes, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      let from = 0;
      const read = chunk.subarray(0, bytesRead);
      for (let end = read.indexOf(newline); end !== -1; end = read.indexOf(newline, from)) {
        yield Buffer.concat([...waiting, read.subarray(from, end)]);
        waiting = [];
        from = end + 1;
      }
      if (from < read.length) waiting.push(read.subarray(from));
    }
    if (waiting.length > 0) yield Buffer.concat(waiting);
  } finally {
    await file.close();
  }
}
