import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joined } from '../../src/mirror/slots/joined-lines.js';
import { Slabs, slabBytes } from '../../src/mirror/slots/slabs.js';

describe('joined lines', () => {
  it('are the lines, whichever of them lie in the source', () => {
    const line = fc.record({ text: fc.string({ maxLength: 30 }), isReplaced: fc.boolean() });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
        const source = Buffer.from(lines.map(({ text }) => `${text}\n`).join(''));
        let at = 0;
        const parts = lines.map(({ text, isReplaced }) => {
          const end = at + Buffer.byteLength(text) + 1;
          const own = source.subarray(at, end);
          at = end;
          return isReplaced ? Buffer.from(`[${text}]\n`) : own;
        });
        const { body } = joined(parts, new Slabs());
        expect(body.equals(Buffer.concat(parts))).toBe(true);
        if (lines.some(({ isReplaced }) => isReplaced) || lines.length === 0) return;
        expect(body.buffer === source.buffer && body.byteOffset === source.byteOffset).toBe(true);
      }),
    );
  });

  it('are copied into a slab where they are long', () => {
    const line = Buffer.alloc(3 << 20, 'x');
    const { body, slab } = joined([line, Buffer.from('y\n'), line], new Slabs());
    expect(body.equals(Buffer.concat([line, Buffer.from('y\n'), line]))).toBe(true);
    expect(slab?.buffer === body.buffer).toBe(true);
  });
});

describe('slabs', () => {
  it('come again once they were given back, and not before', () => {
    const slabs = new Slabs();
    const first = slabs.take(8 << 20);
    const second = slabs.take(8 << 20);
    if (first === undefined || second === undefined) throw new Error('there is none');
    // Not by toBe, which compares megabytes byte by byte.
    expect(second === first).toBe(false);
    slabs.giveBack([first]);
    expect(slabs.take(8 << 20) === first).toBe(true);
    expect(slabs.take(8 << 20) === first).toBe(false);
  });

  it('are for what is long, and fits', () => {
    const slabs = new Slabs();
    expect(slabs.take(1 << 20)).toBeUndefined();
    expect(slabs.take(slabBytes + 1)).toBeUndefined();
    expect(slabs.take(Number.POSITIVE_INFINITY)).toBeUndefined();
  });
});
