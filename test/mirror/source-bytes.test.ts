import { randomBytes } from 'node:crypto';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settle, WriterRig } from '../support/writer-rig.js';

/** `npm run soak` takes the line of 50 MB that facts about real transcripts ask for; `npm test` a shorter one. */
const isFull = process.env.TRACECRAFT_SOAK === 'full';
const longLine = (isFull ? 50 : 12) << 20;
const border = 64 * 1024;

let rig: WriterRig;

beforeEach(async () => {
  rig = await WriterRig.create();
});

afterEach(() => rig.remove());

async function expectMirrored(source: Buffer): Promise<void> {
  const complete = source.subarray(0, source.lastIndexOf(0x0a) + 1);
  // Not toEqual: it walks tens of megabytes byte by byte.
  const archived = await rig.archived();
  expect(archived.equals(complete), `${archived.length} of ${complete.length} bytes`).toBe(true);
  const rest = source.length - complete.length;
  expect(await rig.verdict()).toMatchObject({ state: 'ok', generation: 0, rest });
}

const kinds: Readonly<Record<string, Buffer>> = {
  'plain lines': Buffer.from('{"a":1}\n{"b":2}\n'),
  CRLF: Buffer.from('one\r\ntwo\r\n\r\n'),
  'empty lines': Buffer.from('\n\n\na\n\n'),
  'no final newline': Buffer.from('one\ntwo\nthree'),
  'invalid UTF-8': Buffer.from('c328ff0afffe0a80800ae2820aeda0800a', 'hex'),
  'runs of NUL': Buffer.concat([Buffer.alloc(9_000), Buffer.from('{"a":1}\n\0\0\n')]),
  'separators that are no newline': Buffer.from('a\u2028b\u2029c\u0085d\ve\ff\n'),
  'a byte order mark': Buffer.from('\ufeff{"a":1}\n\ufeff\n'),
};

describe('bytes reach the bucket unchanged', () => {
  describe.each(Object.entries(kinds))('%s', (_, bytes) => {
    it.each([-1, 0, 1])('with a 64 KiB boundary %i bytes from a newline', async (shift) => {
      const before = Buffer.from(`${'p'.repeat(border - 1 + shift)}\n`);
      const source = Buffer.concat([before, bytes, Buffer.from('\n'), before, bytes]);
      await writeFile(rig.path, source);
      await settle(rig.open(), { partBytes: border, parts: 100 });
      await expectMirrored(source);
    });

    it('written byte by byte, with a check after each', async () => {
      const whole = Buffer.concat([Buffer.from('{"first":1}\n'), bytes.subarray(-64)]);
      await writeFile(rig.path, '');
      const mirror = rig.open();
      for (const byte of whole) {
        await appendFile(rig.path, Buffer.of(byte));
        await mirror.upload({ partBytes: border, parts: 10 });
      }
      await expectMirrored(whole);
      const newlines = whole.filter((byte) => byte === 0x0a).length;
      // One part for each line, no part for a fragment.
      expect(await rig.names()).toHaveLength(newlines);
    });
  });

  it(`a line of ${longLine >> 20} MB between short ones, its newline arriving last`, async () => {
    const short = Buffer.from('{"short":1}\n');
    const long = Buffer.from(`{"long":"${'x'.repeat(longLine)}"}`);
    await writeFile(rig.path, Buffer.concat([short, long]));
    const mirror = rig.open();
    await mirror.upload({ partBytes: 1 << 20, parts: 10 });
    await expectMirrored(Buffer.concat([short, long]));
    await appendFile(rig.path, Buffer.concat([Buffer.from('\n'), short]));
    await settle(mirror, { partBytes: 1 << 20, parts: 10 });
    await expectMirrored(Buffer.concat([short, long, Buffer.from('\n'), short]));
    expect(await rig.names()).toHaveLength(3);
  });

  it('random bytes, in random pieces, by changing writers', async () => {
    const pieces = Array.from({ length: 40 }, (_, n) => randomBytes(1 + ((n * 7_919) % 20_000)));
    await writeFile(rig.path, '');
    let mirror = rig.open();
    for (const [index, piece] of pieces.entries()) {
      await appendFile(rig.path, piece);
      await mirror.upload({ partBytes: 10_000, parts: 3 });
      if (index % 5 === 4) mirror = rig.open({ state: index % 2 === 0 ? 'state' : `new-${index}` });
    }
    await settle(mirror);
    // Where chance made something that looks like a secret, it is not the bytes but the agreement that counts.
    expect(await rig.verdict()).toMatchObject({ state: 'ok', generation: 0 });
    const lines = (await readFile(rig.path)).filter((byte) => byte === 0x0a).length;
    expect((await rig.archived()).filter((byte) => byte === 0x0a)).toHaveLength(lines);
  });
});
