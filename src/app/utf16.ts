import { TextDecoder } from 'node:util';

/** How tools on Windows write text: each begins with a byte order mark. */
export type Utf16 = 'utf-16le' | 'utf-16be';

export function utf16Of(beginning: Buffer): Utf16 | undefined {
  const mark = beginning.toString('latin1', 0, 2);
  if (mark === '\u00ff\u00fe') return 'utf-16le';
  return mark === '\u00fe\u00ff' ? 'utf-16be' : undefined;
}

/** As UTF-8, without the mark. */
export function decodeUtf16(text: Buffer, encoding: Utf16): Buffer {
  return Buffer.from(new TextDecoder(encoding).decode(text));
}

/** The mark has to be written first; see `utf16Mark`. */
export function encodeUtf16(utf8: Buffer, encoding: Utf16): Buffer {
  const text = Buffer.from(utf8.toString('utf8'), 'utf16le');
  return encoding === 'utf-16le' ? text : text.swap16();
}

export function utf16Mark(encoding: Utf16): Buffer {
  return encodeUtf16(Buffer.from('\ufeff'), encoding);
}

/** Text as the redactor wants it, and the way back. */
export interface ReadText {
  readonly chunks: AsyncIterable<Buffer>;
  /** What was read and redacted, in the encoding it came in. To be called in the order of the text. */
  encode(utf8: Buffer): Buffer;
}

/** UTF-16 is passed on as UTF-8, anything else as it is. */
export function readText(input: AsyncIterable<Buffer>): ReadText {
  let encoding: Utf16 | undefined;
  let isBegun = false;
  return { chunks: decoded(), encode };

  async function* decoded(): AsyncGenerator<Buffer> {
    let decoder: TextDecoder | undefined;
    let isFirst = true;
    for await (const chunk of input) {
      if (isFirst) {
        encoding = utf16Of(chunk);
        decoder = encoding === undefined ? undefined : new TextDecoder(encoding);
        isFirst = false;
      }
      yield decoder === undefined ? chunk : Buffer.from(decoder.decode(chunk, { stream: true }));
    }
    if (decoder !== undefined) yield Buffer.from(decoder.decode());
  }

  function encode(utf8: Buffer): Buffer {
    if (encoding === undefined) return utf8;
    const text = encodeUtf16(utf8, encoding);
    if (isBegun) return text;
    isBegun = true;
    return Buffer.concat([utf16Mark(encoding), text]);
  }
}
