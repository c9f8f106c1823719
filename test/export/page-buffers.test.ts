import fc from 'fast-check';
import { ByteWriter } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { PageBuffers } from '../../src/export/page-buffers.js';

const pageSize = 64 * 1024;

describe('the memory of pages', () => {
  const piece = fc.record({ writer: fc.nat(2), length: fc.nat(90_000), byte: fc.nat(255) });

  it('is only used again once its page was given back, however large pages are and in whatever order they grow', () => {
    const buffers = new PageBuffers(pageSize);
    buffers.growIn(ByteWriter);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(11), (pieces, givenBack) => {
        const writers = [0, 1, 2].map(() => ({
          writer: new ByteWriter(),
          wanted: [Buffer.alloc(0)],
        }));
        for (const [at, { writer, length, byte }] of pieces.entries()) {
          const one = writers[writer];
          one?.writer.appendBytes(Buffer.alloc(length, byte));
          one?.wanted.push(Buffer.alloc(length, byte));
          if (at === givenBack && one !== undefined) {
            buffers.giveBack(one.writer.getBytes());
            one.writer = new ByteWriter();
            one.wanted = [];
          }
        }
        for (const { writer, wanted } of writers) {
          expect(Buffer.concat(wanted).equals(writer.getBytes())).toBe(true);
          buffers.giveBack(writer.getBytes());
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is the same for the next page', () => {
    const buffers = new PageBuffers(pageSize);
    buffers.growIn(ByteWriter);
    const page = () => {
      const writer = new ByteWriter();
      for (let n = 0; n < 60; n += 1) writer.appendBytes(Buffer.alloc(1_000, n));
      const bytes = writer.getBytes();
      buffers.giveBack(bytes);
      return bytes.buffer;
    };
    expect(page()).toBe(page());
  });
});
