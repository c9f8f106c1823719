import { appendFile, mkdir, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TracecraftError } from '../../../src/errors.js';
import { type Io, nodeIo } from '../../../src/io.js';
import {
  type Chunk,
  type JsonValue,
  type Position,
  type ReadLimit,
  startPosition,
} from '../../../src/mirror/stream.js';
import { DirectoryListings } from '../../../watchers/files/directory-listings.js';
import { WriteOnceFiles } from '../../../watchers/files/write-once-files.js';
import { ManualClock } from '../../support/manual-clock.js';
import { createTemporaryFolder } from '../../support/temporary-folder.js';
import { meanwhile } from '../../support/wrapped-disk.js';

let folder = '';
let clock: ManualClock;
let stream: WriteOnceFiles;
let remove: () => Promise<void>;
const told: TracecraftError[] = [];

beforeEach(async () => {
  const temporary = await createTemporaryFolder();
  folder = join(temporary.path, 'tool-results');
  remove = temporary.remove;
  await mkdir(folder);
  clock = new ManualClock();
  told.length = 0;
  stream = make();
});

afterEach(() => remove());

function make(io: Io = nodeIo): WriteOnceFiles {
  const onUnreadable = (error: TracecraftError): void => {
    told.push(error);
  };
  return new WriteOnceFiles({
    io,
    clock,
    listings: new DirectoryListings(io, clock, onUnreadable),
    folder,
    session: { harness: 'claude-code', id: 's' },
    name: 'tool-results',
    type: 'tool-result',
    suffix: '.txt',
    onUnreadable,
  });
}

async function put(id: string, text: string | Buffer): Promise<void> {
  await writeFile(join(folder, `${id}.txt`), text);
}

/** Looks, lets the time pass that a file must stay the same, and looks again. */
async function settle(): Promise<void> {
  await stream.changed(undefined);
  clock.advance(2_000);
  await stream.changed(undefined);
}

async function read(from: Position = startPosition, limit: ReadLimit = { bytes: Infinity }) {
  const chunk = await stream.read(from, limit);
  if (chunk === 'moved' || chunk === 'gone') throw new Error(`unexpected: ${chunk}`);
  return chunk;
}

function rows(chunk: Chunk): unknown[] {
  return chunk.lines.map((line) => {
    if (Buffer.isBuffer(line)) throw new Error('not sealed');
    return JSON.parse(line.seal(line.text).toString()) as unknown;
  });
}

describe('a file', () => {
  it('is collected once it has not changed for 2 s, and only once', async () => {
    await put('toolu_1', 'out\nput');
    expect((await read()).lines).toEqual([]);
    clock.advance(1_999);
    expect((await read()).lines).toEqual([]);
    clock.advance(1);
    const chunk = await read();
    expect(rows(chunk)).toEqual([{ type: 'tool-result', id: 'toolu_1', text: 'out\nput' }]);
    expect(chunk.next).toEqual({ line: 1, at: ['toolu_1'] });
    expect(chunk.sourceBytes).toBe(7);
    await appendFile(join(folder, 'toolu_1.txt'), 'late');
    clock.advance(10_000);
    expect((await read(chunk.next)).lines).toEqual([]);
  });

  it('starts waiting again whenever it changes', async () => {
    await put('a', 'one');
    await stream.changed(undefined);
    clock.advance(1_500);
    await appendFile(join(folder, 'a.txt'), 'two');
    await stream.changed(undefined);
    clock.advance(1_500);
    const waiting = await read();
    expect(waiting.lines).toEqual([]);
    expect(waiting.rest).toBe(6);
    clock.advance(500);
    expect(rows(await read())).toEqual([{ type: 'tool-result', id: 'a', text: 'onetwo' }]);
  });

  it('starts waiting again if it changes between settling and being read, or while it is read', async () => {
    await put('a', 'one');
    await settle();
    await truncate(join(folder, 'a.txt'), 1);
    expect((await read()).lines).toEqual([]);
    clock.advance(2_000);
    expect(rows(await read())).toEqual([{ type: 'tool-result', id: 'a', text: 'o' }]);

    let hasGrown = false;
    const growOnce = async (): Promise<void> => {
      if (!hasGrown) await appendFile(join(folder, 'a.txt'), '+');
      hasGrown = true;
    };
    stream = make(meanwhile('read', growOnce));
    await settle();
    expect((await read()).lines).toEqual([]);
    clock.advance(2_000);
    expect(rows(await read())).toEqual([{ type: 'tool-result', id: 'a', text: 'o+' }]);
  });

  it('counts only if it has the suffix, is in the folder itself, and is not a link', async () => {
    await put('a', 'a');
    await writeFile(join(folder, 'b.json'), '{}');
    await writeFile(join(folder, '.txt'), 'nameless');
    await writeFile(join(folder, '.hidden.txt'), 'hidden');
    await mkdir(join(folder, 'c.txt'));
    await symlink(join(folder, 'b.json'), join(folder, 'd.txt'));
    await settle();
    expect(rows(await read())).toEqual([{ type: 'tool-result', id: 'a', text: 'a' }]);
  });

  it('that vanishes before it is read is skipped', async () => {
    await put('a', 'a');
    await put('b', 'b');
    await settle();
    await unlink(join(folder, 'a.txt'));
    expect(rows(await read())).toEqual([{ type: 'tool-result', id: 'b', text: 'b' }]);
  });

  it('may contain anything', async () => {
    const dirty = Buffer.from('61ff62c328000a225c', 'hex');
    await put('dirty', dirty);
    await put('empty', '');
    await settle();
    expect(rows(await read())).toEqual([
      { type: 'tool-result', id: 'dirty', text: 'a\ufffdb\ufffd(\u0000\n"\\', lossy: true },
      { type: 'tool-result', id: 'empty', text: '' },
    ]);
  });

  it('of more than 64 MiB is reported and left alone', async () => {
    await put('huge', '');
    await truncate(join(folder, 'huge.txt'), (64 << 20) + 1);
    await settle();
    const chunk = await read();
    expect([chunk.lines.length, chunk.rest]).toEqual([0, 0]);
    expect(told.map(({ message }) => message)).toEqual([
      expect.stringContaining(join(folder, 'huge.txt')),
    ]);
  });
});

describe('a line', () => {
  it('is built from the redacted text, as one line whatever it contains', async () => {
    await put('a', 'secret');
    await settle();
    const [line] = (await read()).lines;
    if (line === undefined || Buffer.isBuffer(line)) throw new Error('not sealed');
    expect(line.text.toString()).toBe('secret');
    const sealed = line.seal(Buffer.from('[REDACTED:x]\n"\r\u2028')).toString();
    expect(sealed.endsWith('\n')).toBe(true);
    expect(sealed.slice(0, -1)).not.toContain('\n');
    expect(JSON.parse(sealed)).toMatchObject({ text: '[REDACTED:x]\n"\r\u2028' });
  });
});

describe('the order', () => {
  it('follows settling, then names, within the limits', async () => {
    await put('m', 'mmmm');
    await stream.changed(undefined);
    clock.advance(500);
    await put('z', 'zzzz');
    await put('a', 'aaaa');
    await settle();
    const ids = (chunk: Chunk): unknown[] => rows(chunk).map((row) => (row as { id: unknown }).id);
    expect(ids(await read())).toEqual(['m', 'a', 'z']);
    const first = await read(startPosition, { bytes: 1 });
    expect([ids(first), first.more]).toEqual([['m'], true]);
    const two = await read(first.next, { bytes: 8 });
    expect([ids(two), two.more]).toEqual([['a', 'z'], false]);
    const one = await read(startPosition, { bytes: 100, lines: 1 });
    expect([ids(one), one.more]).toEqual([['m'], true]);
    expect(two.next).toEqual({ line: 3, at: ['a', 'm', 'z'] });
  });
});

describe('a snapshot', () => {
  it('changes when a file appears, and again when it settles without any change on disk', async () => {
    const empty = await stream.changed(undefined);
    await put('a', 'a');
    const appeared = await stream.changed(empty);
    expect(appeared?.size).toBe(1);
    clock.advance(1_000);
    expect(await stream.changed(appeared)).toBeUndefined();
    clock.advance(1_000);
    const settled = await stream.changed(appeared);
    expect(settled).toBeDefined();
    clock.advance(100_000);
    expect(await stream.changed(settled)).toBeUndefined();
    expect((await read()).snapshot.token).toBe(settled?.token);
  });

  it('is absent if the folder is gone', async () => {
    await put('a', 'a');
    const snapshot = await stream.changed(undefined);
    await rm(folder, { recursive: true });
    expect(await stream.changed(snapshot)).toBeUndefined();
    expect(await stream.read(startPosition, { bytes: 1 })).toBe('gone');
  });
});

describe('folding what was uploaded', () => {
  it('gives the same position as uploading did, in any number of pieces', async () => {
    await put('a', 'a\n');
    await put('b', 'b');
    await settle();
    const { lines, next } = await read();
    const shipped = lines.map((line) =>
      Buffer.isBuffer(line) ? line : line.seal(Buffer.from('[REDACTED:x]')),
    );
    expect(stream.fold(startPosition, shipped)).toEqual(next);
    const piecewise = shipped.reduce(
      (position, line) => stream.fold(position, [line]),
      startPosition,
    );
    expect(piecewise).toEqual(next);
    expect((await read(piecewise)).lines).toEqual([]);
  });

  it('skips invalid lines but counts every line', () => {
    const shipped = ['\n', 'x\n', '{"type":"other","id":"a"}\n', '{"type":"tool-result","id":1}\n'];
    const position = stream.fold(
      { line: 3, at: ['k'] },
      shipped.map((text) => Buffer.from(text)),
    );
    expect(position).toEqual({ line: 7, at: ['k'] });
  });

  it('never uploads from an invalid position', async () => {
    const strange: JsonValue[] = ['x', 7, { a: 1 }, ['a', 1]];
    for (const at of strange)
      expect(await stream.read({ line: 1, at }, { bytes: 1 })).toBe('moved');
  });
});
