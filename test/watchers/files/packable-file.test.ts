import { appendFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SourceError } from '../../../src/errors.js';
import { type Io, nodeIo } from '../../../src/io.js';
import {
  type Chunk,
  type LineStream,
  type Position,
  startPosition,
} from '../../../src/mirror/stream.js';
import { packableFile } from '../../../watchers/files/packable-file.js';
import { UnpackedFiles } from '../../../watchers/files/zstd-file.js';
import { CodexTree, type Rollout, threadUuid } from '../../support/codex-tree.js';
import { ManualClock } from '../../support/manual-clock.js';
import { meanwhile, wrappingOpen } from '../../support/wrapped-disk.js';
import { compress, packed } from '../../support/zstd-frames.js';
import { chunkOf, everything, joined, upload } from '../reading.js';

let tree: CodexTree;
let rollout: Rollout;

beforeEach(async () => {
  tree = await CodexTree.create();
  rollout = tree.rollout(threadUuid());
});

afterEach(() => tree.remove());

function streamOf(path = rollout.path, io: Io = nodeIo): LineStream {
  const clock = new ManualClock();
  return packableFile({
    io,
    path,
    session: { harness: 'codex', id: 'thread' },
    name: '',
    unpackedFiles: new UnpackedFiles(() => clock.monotonic()),
    facts: (_line, before) => before,
    beforeRead: async () => undefined,
  });
}

const line = (name: string, size = 5_000): string => `${name.padEnd(size, name)}\n`;
const content = ['a', 'b', 'c', 'd', 'e'].map((name) => line(name)).join('');

async function write(text: string | Buffer = content): Promise<Buffer> {
  await tree.file(rollout.path, text);
  return Buffer.from(text);
}

/** The position after the first lines. */
async function positionAfter(lines: number, stream = streamOf()): Promise<Position> {
  const { next } = await chunkOf(stream, startPosition, { bytes: 1 << 30, lines });
  expect(next.line).toBe(lines);
  return JSON.parse(JSON.stringify(next));
}

/** `undefined` when there is nothing more but a failure. */
async function settled(read: Promise<Chunk | 'moved' | 'gone'>): Promise<Chunk | undefined> {
  const chunk = await read.catch(() => undefined);
  if (typeof chunk === 'string') throw new Error(chunk);
  return chunk;
}

describe('a rollout that is packed', () => {
  it('returns the same lines as before, and the position stays valid', async () => {
    const bytes = await write(`${content}rest`);
    const plain = await chunkOf(streamOf());
    const middle = await positionAfter(2);
    await rollout.pack(bytes);
    const stream = streamOf();
    const packedChunk = await chunkOf(stream);
    expect(joined(packedChunk).equals(joined(plain))).toBe(true);
    expect(packedChunk.rest).toBe(4);
    expect(packedChunk.more).toBe(false);
    expect(joined(await chunkOf(stream, middle)).toString()).toBe(content.slice(2 * 5_001));
    expect((await chunkOf(stream, plain.next)).lines).toEqual([]);
    expect((await stream.changed(undefined))?.token).toBe(packedChunk.snapshot.token);
    expect(await stream.changed(packedChunk.snapshot)).toBeUndefined();
    expect(await stream.changed(plain.snapshot)).toBeDefined();
  });

  it('and unpacked again continues at its position, grown meanwhile or not', async () => {
    const bytes = await write();
    await rollout.pack(bytes);
    const stream = streamOf();
    const [middle, end] = [await positionAfter(3, stream), await positionAfter(5, stream)];
    await rollout.unpack(bytes);
    expect((await chunkOf(stream, end)).lines).toEqual([]);
    await rollout.append('new\n');
    expect(joined(await chunkOf(stream, end)).toString()).toBe('new\n');
    expect((await chunkOf(stream, middle)).lines.length).toBe(3);
  });

  it('is read from the plain file while both exist', async () => {
    const bytes = await write();
    await rollout.putPacked(bytes);
    await rollout.append('only here\n');
    const stream = streamOf();
    const chunk = await chunkOf(stream);
    expect(joined(chunk).toString()).toBe(`${content}only here\n`);
    expect((await stream.changed(undefined))?.token).toBe(chunk.snapshot.token);
  });

  it('is reported as moved if it differs from what was read', async () => {
    await write();
    const positions = [await positionAfter(1), await positionAfter(3), await positionAfter(5)];
    const others = [
      content.replace(/a/g, 'A'),
      content.slice(0, 4_000),
      content.replaceAll('\n', '\r\n'),
      '',
    ];
    for (const other of others) {
      await rollout.pack(Buffer.from(other));
      for (const position of positions) {
        expect(await streamOf().read(position, everything)).toBe('moved');
      }
      await rollout.unpack(Buffer.from(other));
      for (const position of positions) {
        expect(await streamOf().read(position, everything)).toBe('moved');
      }
    }
  });

  it('is found whichever of the two files appears during the search', async () => {
    const bytes = await write();
    let opened = 0;
    const swapping: Io = {
      ...nodeIo,
      open: async (path) => {
        opened += 1;
        if (opened === 2) await rollout.unpack(bytes);
        return nodeIo.open(path);
      },
    };
    await rollout.pack(bytes);
    expect((await chunkOf(streamOf(rollout.path, swapping))).lines.length).toBe(5);
    expect(opened).toBe(3);
    await rm(rollout.path);
    expect(await streamOf().read(startPosition, everything)).toBe('gone');
    expect(await streamOf().changed(undefined)).toBeUndefined();
  });

  it('is reported as moved if it is replaced while it is read', async () => {
    const bytes = await write();
    await rollout.pack(bytes);
    const swapping = meanwhile('stat', () => rollout.putPacked(Buffer.from('other\n')));
    expect(await streamOf(rollout.path, swapping).read(startPosition, everything)).toBe('moved');
    expect(joined(await chunkOf(streamOf())).toString()).toBe('other\n');
  });

  it('is unpacked once, however many reads it takes', async () => {
    const text = Array.from({ length: 400 }, (_, at) => line(`${at}`)).join('');
    await write(text);
    let bytesRead = 0;
    const counting = wrappingOpen((file) => ({
      read: async (into, position) => {
        const count = await file.read(into, position);
        bytesRead += count;
        return count;
      },
    }));
    await rollout.pack(Buffer.from(text));
    const { size } = await stat(rollout.packedPath);
    const stream = streamOf(rollout.path, counting);
    const { lines } = await upload(stream, { bytes: 20_000 });
    expect(Buffer.concat(lines).toString()).toBe(text);
    expect(bytesRead).toBe(size);
    // Whoever reads the same place twice, as recovery does, need not start again either.
    const place = await positionAfter(200, stream);
    const before = bytesRead;
    for (let again = 0; again < 3; again += 1) await chunkOf(stream, place, { bytes: 9_000 });
    expect(bytesRead - before).toBeLessThan(size);
  });

  it('returns the lines before the damage, then reports it', async () => {
    const bytes = await write(Array.from({ length: 60 }, (_, at) => line(`${at}`)).join(''));
    const frame = packed(bytes);
    await rm(rollout.path);
    await writeFile(rollout.packedPath, frame.subarray(0, 150_000));
    const stream = streamOf();
    let chunk = await chunkOf(stream);
    expect(chunk.lines.length).toBeGreaterThan(20);
    let count = chunk.lines.length;
    const there = [joined(chunk)];
    let failure = stream.read(chunk.next, everything);
    // A decoder may give some more of the block that was cut short.
    for (let more = await settled(failure); more !== undefined; more = await settled(failure)) {
      chunk = more;
      count += more.lines.length;
      there.push(joined(more));
      failure = stream.read(chunk.next, everything);
    }
    expect(chunk).toMatchObject({ more: true, rest: 0 });
    expect(chunk.next.line).toBe(count);
    const before = Buffer.concat(there);
    expect(bytes.subarray(0, before.length).equals(before)).toBe(true);
    await expect(failure).rejects.toThrow(SourceError);
    await expect(failure).rejects.toThrow(`cannot unpack ${rollout.packedPath}`);
    // A position that was made while it was whole.
    await writeFile(rollout.path, bytes);
    const late = [await positionAfter(31), await positionAfter(50)];
    await rm(rollout.path);
    for (const position of late) {
      await expect(streamOf().read(position, everything)).rejects.toThrow('cannot unpack');
    }
    await writeFile(rollout.packedPath, frame);
    const rest = await chunkOf(stream, chunk.next);
    expect(bytes.subarray(bytes.length - rest.sourceBytes).equals(joined(rest))).toBe(true);
    expect(rest.lines.length).toBe(60 - count);
  });

  it('keeps a line of 40 MB whole', async () => {
    const long = `${'x'.repeat(40 << 20)}\n`;
    const bytes = Buffer.from(`first\n${long}last\n`);
    await write(bytes);
    const plain = await upload(streamOf(), { bytes: 1 << 20 });
    await rollout.pack(bytes);
    const { lines } = await upload(streamOf(), { bytes: 1 << 20 });
    expect(lines.map(({ length }) => length)).toEqual([6, long.length, 5]);
    expect(Buffer.concat(lines).equals(bytes)).toBe(true);
    expect(Buffer.concat(plain.lines).equals(bytes)).toBe(true);
  });

  it('returns the same lines for any limit and from any position of either file', async () => {
    const piece = fc.constantFrom(
      '\n',
      'a',
      '\r\n',
      '\0\0',
      'é',
      'x'.repeat(4_095),
      '\xff',
      '{}\n',
    );
    const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
    const limit = fc.record({ bytes: fc.integer({ min: 1, max: 20_000 }) });
    await fc.assert(
      fc.asyncProperty(text, limit, fc.nat(), async (some, bytes, choice) => {
        const source = Buffer.from(some, 'latin1');
        await write(source);
        const whole = await chunkOf(streamOf());
        const position = whole.lines.length === 0 ? 0 : choice % whole.lines.length;
        const middle = position === 0 ? startPosition : await positionAfter(position);
        await rm(rollout.path);
        await writeFile(rollout.packedPath, packed(source, 3_000));
        const stream = streamOf();
        expect((await upload(stream, bytes)).lines).toEqual(whole.lines);
        expect((await chunkOf(stream, middle)).lines).toEqual(whole.lines.slice(position));
        expect((await chunkOf(stream, whole.next)).lines).toEqual([]);
        await rm(rollout.packedPath);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a rollout that is renamed or rewritten', () => {
  it('keeps its position wherever it is moved', async () => {
    await write();
    const position = await positionAfter(4);
    await rollout.moveTo(tree.archivedPath(threadUuid()));
    expect(joined(await chunkOf(streamOf(), position)).toString()).toBe(line('e'));
    await rollout.pack(Buffer.from(content));
    expect(joined(await chunkOf(streamOf(), position)).toString()).toBe(line('e'));
  });

  it('is reported as moved after a migration that kept its time, at any size', async () => {
    await write();
    const position = await positionAfter(4);
    const before = await stat(rollout.path);
    const migrations = [
      content.replaceAll('\n', ' "ordinal":1\n'),
      content.slice(1_000),
      content.replace('a', 'A'),
    ];
    for (const migrated of migrations) {
      await rollout.replace(migrated);
      const now = await stat(rollout.path);
      expect(Math.abs(now.mtimeMs - before.mtimeMs)).toBeLessThan(1);
      expect(await streamOf().changed(undefined)).toBeDefined();
      expect(await streamOf().read(position, everything)).toBe('moved');
    }
  });

  it('is reported as moved if the file was cut or edited in place before the position', async () => {
    await write();
    const position = await positionAfter(4);
    await write(content.replace(/d/g, 'D'));
    expect(await streamOf().read(position, everything)).toBe('moved');
    await truncate(rollout.path, 3);
    expect(await streamOf().read(position, everything)).toBe('moved');
  });

  it('is reported as moved for an invalid position', async () => {
    await write();
    for (const at of [5, 'x', {}, { offset: 0 }, { offset: 1, tail: 'x' }]) {
      expect(await streamOf().read({ line: 1, at }, everything)).toBe('moved');
    }
  });

  it('waits for the end of its last line', async () => {
    await write('one\ntw');
    const chunk = await chunkOf(streamOf());
    expect(chunk).toMatchObject({ rest: 2, more: false });
    await appendFile(rollout.path, 'o\n');
    expect(joined(await chunkOf(streamOf(), chunk.next)).toString()).toBe('two\n');
  });
});

it.skipIf(compress === undefined)('continues in the output of a real compressor', async () => {
  const text = Array.from({ length: 900 }, (_, at) => line(`${at}`)).join('');
  await write(text);
  const position = await positionAfter(450);
  await rm(rollout.path);
  await writeFile(rollout.packedPath, compress?.(Buffer.from(text), 3) ?? '');
  const chunk = await chunkOf(streamOf(), position);
  expect(chunk.lines.length).toBe(450);
  expect(joined(chunk).toString()).toBe(text.slice(-chunk.sourceBytes));
});
