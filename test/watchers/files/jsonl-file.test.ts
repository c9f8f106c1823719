import { randomBytes } from 'node:crypto';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Io, nodeIo } from '../../../src/io.js';
import {
  type LineStream,
  type Position,
  type ReadLimit,
  startPosition,
} from '../../../src/mirror/stream.js';
import { jsonlStream } from '../../support/jsonl-stream.js';
import { MemoryDisk } from '../../support/memory-disk.js';
import { createTemporaryFolder } from '../../support/temporary-folder.js';
import { wrappingOpen } from '../../support/wrapped-disk.js';
import { chunkOf, everything, joined, plainLines, upload } from '../reading.js';

const border = 64 * 1024;
let path = '';
let remove: () => Promise<void>;

beforeEach(async () => {
  const temporary = await createTemporaryFolder();
  path = join(temporary.path, 'session.jsonl');
  remove = temporary.remove;
});

afterEach(() => remove());

function streamOn(io: Io = nodeIo): LineStream {
  return jsonlStream(io, path, 's');
}

/** What must come out: the lines as a plain split at newlines sees them. */
function completeLines(bytes: Buffer): string[] {
  const text = bytes.toString('latin1');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => `${line}\n`);
}

describe('lines of any bytes', () => {
  const cases: Record<string, Buffer> = {
    'plain lines': Buffer.from('{"a":1}\n{"b":2}\n'),
    CRLF: Buffer.from('one\r\ntwo\r\n\r\n'),
    'empty lines': Buffer.from('\n\n\na\n\n'),
    'no final newline': Buffer.from('one\ntwo\nthree'),
    'only a fragment': Buffer.from('never finished'),
    'an empty file': Buffer.alloc(0),
    'invalid UTF-8': Buffer.from('c328ff0afffe0a80800ae282', 'hex'),
    'runs of NUL': Buffer.concat([
      Buffer.alloc(9_000),
      Buffer.from('{"a":1}\n'),
      Buffer.alloc(700),
    ]),
    'line and paragraph separators': Buffer.from('a\u2028b\u2029c\u0085d\n'),
    'a long line between short ones': Buffer.from(`a\n${'x'.repeat(300_000)}\nb\n`),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    for (const shift of [-1, 0, 1]) {
      it(`${name}, with a 64 KiB boundary ${shift} bytes from a newline`, async () => {
        const before = Buffer.from(`${'p'.repeat(border - 1 + shift)}\n`);
        const content = Buffer.concat([before, bytes, Buffer.from('\n'), before, bytes]);
        await writeFile(path, content);
        const lines = completeLines(content);
        const rest = content.length - Buffer.byteLength(lines.join(''), 'latin1');
        for (const limit of limitsAround(border)) {
          const uploaded = await upload(streamOn(), limit);
          expect(uploaded.lines.map((line) => line.toString('latin1'))).toEqual(lines);
          expect(uploaded.position.line).toBe(lines.length);
          expect(uploaded.rest).toBe(rest);
        }
      });
    }
  }

  function limitsAround(bytes: number): ReadLimit[] {
    return [
      { bytes: bytes - 1 },
      { bytes },
      { bytes: bytes + 1 },
      { bytes: 1 },
      { bytes: 5_000, lines: 2 },
      { bytes: Number.POSITIVE_INFINITY, lines: 1 },
      everything,
    ];
  }

  it('reads a line of 50 MB whole, whatever the limit', async () => {
    const long = Buffer.alloc(50 * 1024 * 1024, 'x');
    await writeFile(path, Buffer.concat([Buffer.from('a\n'), long, Buffer.from('\nb\n')]));
    const first = await chunkOf(streamOn(), startPosition, { bytes: 1 << 20 });
    expect(joined(first).toString()).toBe('a\n');
    expect(first.more).toBe(true);
    const second = await chunkOf(streamOn(), first.next, { bytes: 1 << 20 });
    expect(second.lines).toHaveLength(1);
    expect(second.sourceBytes).toBe(long.length + 1);
    expect(joined(second).subarray(0, -1).equals(long)).toBe(true);
    const third = await chunkOf(streamOn(), second.next, { bytes: 1 << 20 });
    expect(joined(third).toString()).toBe('b\n');
    expect(third.more).toBe(false);
  });

  it('reads a large file piece by piece, no piece much larger than its limit', async () => {
    const line = `${JSON.stringify({ text: 'x'.repeat(10_000) })}\n`;
    await writeFile(path, line.repeat(2_000));
    const requested: number[] = [];
    const io = wrappingOpen((file) => ({
      read: (into, position) => {
        requested.push(into.byteLength);
        return file.read(into, position);
      },
    }));
    const uploaded = await upload(streamOn(io), { bytes: 1 << 20 });
    expect(uploaded.lines).toHaveLength(2_000);
    expect(Math.max(...requested)).toBeLessThanOrEqual((1 << 20) + 4096);
    const total = requested.reduce((sum, length) => sum + length, 0);
    expect(total).toBeLessThan(line.length * 2_000 * 1.1);
  });

  it('observes both limits, but reads a single line that is too long', async () => {
    await writeFile(path, 'aaaa\nbb\ncc\ndddddddd\n');
    const limited = async (limit: ReadLimit) =>
      joined(await chunkOf(streamOn(), startPosition, limit));
    expect((await limited({ bytes: 1 })).toString()).toBe('aaaa\n');
    expect((await limited({ bytes: 7 })).toString()).toBe('aaaa\n');
    expect((await limited({ bytes: 8 })).toString()).toBe('aaaa\nbb\n');
    expect((await limited({ bytes: 100, lines: 3 })).toString()).toBe('aaaa\nbb\ncc\n');
  });

  it('reports what is left: more lines, an unterminated rest, or nothing', async () => {
    await writeFile(path, 'a\nb\nrest');
    const one = await chunkOf(streamOn(), startPosition, { bytes: 2 });
    expect([one.more, one.rest]).toEqual([true, 0]);
    const two = await chunkOf(streamOn(), one.next, { bytes: 2 });
    expect([two.more, two.rest]).toEqual([false, 4]);
    const none = await chunkOf(streamOn(), two.next);
    expect([none.lines.length, none.more, none.rest]).toEqual([0, false, 4]);
    expect(none.next).toEqual(two.next);
    await appendFile(path, '\n');
    expect(joined(await chunkOf(streamOn(), none.next)).toString()).toBe('rest\n');
    await writeFile(path, 'x');
    expect((await chunkOf(streamOn())).next).toEqual(startPosition);
  });

  it('returns the same lines for any split into writes and any limits', async () => {
    const writes = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom('\n', '\r\n', '{"a":1}\n', '\n\n').map((text) => Buffer.from(text)),
        fc.nat(9_000).map((length) => Buffer.alloc(length, 'y')),
      ),
      { maxLength: 24 },
    );
    const limit = fc.record(
      { bytes: fc.oneof(fc.nat(20_000), fc.constant(Infinity)), lines: fc.nat(5) },
      { requiredKeys: ['bytes'] },
    );
    const script = fc.array(fc.tuple(limit, fc.boolean()), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(writes, script, async (pieces, steps) => {
        const disk = new MemoryDisk();
        const stream = jsonlStream(disk.io(), '/s.jsonl', 's');
        disk.append('/s.jsonl', Buffer.alloc(0));
        const lines: Buffer[] = [];
        let position = startPosition;
        const readOn = async (index: number): Promise<boolean> => {
          const [within] = steps[index % steps.length] ?? [everything];
          const read = await chunkOf(stream, position, within);
          lines.push(...plainLines(read));
          position = JSON.parse(JSON.stringify(read.next)) as Position;
          return read.more;
        };
        for (const [index, piece] of pieces.entries()) {
          disk.append('/s.jsonl', Buffer.from(piece));
          if (steps[index % steps.length]?.[1]) await readOn(index);
        }
        for (let index = 0; await readOn(index); ) index += 1;
        const content = disk.read('/s.jsonl') ?? Buffer.alloc(0);
        expect(lines.map((line) => line.toString('latin1'))).toEqual(completeLines(content));
        expect(position.line).toBe(lines.length);
      }),
      { numRuns: 300 },
    );
  });
});

it('reads random bytes unchanged', async () => {
  const content = randomBytes(200_000);
  await writeFile(path, content);
  const { lines, rest } = await upload(streamOn(), { bytes: 10_000 });
  const read = Buffer.concat(lines);
  expect(read.equals(content.subarray(0, read.length))).toBe(true);
  expect(read.length + rest).toBe(content.length);
});
