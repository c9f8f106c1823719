import { UsageError } from '../errors.js';

/** The most bytes read. */
const maxBytes = 16_777_216;

/** All of stdin as text, without the final newline. `UsageError` for invalid UTF-8 or too much input. */
export async function readStdinText(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.byteLength;
    if (size > maxBytes) throw new UsageError(`stdin contains more than ${maxBytes} bytes`);
    chunks.push(bytes);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return text.replace(/\r?\n$/, '');
  } catch {
    throw new UsageError('stdin is not UTF-8 text', {
      hint: 'Upload it with "tracecraft artifact upload".',
    });
  }
}
