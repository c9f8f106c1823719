import { chmodSync, statSync, writeFileSync } from 'node:fs';
import {
  appendFile,
  mkdir,
  open,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SourceError } from '../../../src/errors.js';
import { type Io, nodeIo } from '../../../src/io.js';
import { type LineStream, type Position, startPosition } from '../../../src/mirror/stream.js';
import { jsonlStream } from '../../support/jsonl-stream.js';
import { createTemporaryFolder } from '../../support/temporary-folder.js';
import { meanwhile, systemError, wrappingOpen } from '../../support/wrapped-disk.js';
import { chunkOf, everything, joined } from '../reading.js';

let folder = '';
let path = '';
let remove: () => Promise<void>;

beforeEach(async () => {
  const temporary = await createTemporaryFolder();
  folder = temporary.path;
  path = join(temporary.path, 'session.jsonl');
  remove = temporary.remove;
});

afterEach(() => remove());

function streamOn(io: Io = nodeIo): LineStream {
  return jsonlStream(io, path, 's');
}

/** File systems count time in ticks of some milliseconds: waits until a change to the file can be told from its last. */
function untilTimeTicks(): void {
  const probe = join(folder, 'probe');
  const last = statSync(path, { bigint: true }).ctimeNs;
  do {
    writeFileSync(probe, '');
    chmodSync(probe, 0o600);
  } while (statSync(probe, { bigint: true }).ctimeNs <= last);
}

describe('a file that changed other than by growing', () => {
  const long = `${'a'.repeat(6_000)}\n${'b'.repeat(6_000)}\nlast\n`;

  async function positionAfter(content: string): Promise<Position> {
    await writeFile(path, content);
    return (await chunkOf(streamOn())).next;
  }

  it('is reported as moved if it is shorter than the position', async () => {
    const position = await positionAfter(long);
    await truncate(path, long.length - 1);
    expect(await streamOn().read(position, everything)).toBe('moved');
  });

  it('is reported as moved if it was truncated and grew past the position again', async () => {
    const position = await positionAfter(long);
    await truncate(path, 10);
    await appendFile(path, 'c'.repeat(20_000));
    expect(await streamOn().read(position, everything)).toBe('moved');
  });

  it('is reported as moved if another file took its place, even with the same bytes', async () => {
    const position = await positionAfter(long);
    await writeFile(`${path}.new`, `${long}more\n`);
    await rename(`${path}.new`, path);
    expect(await streamOn().read(position, everything)).toBe('moved');
    expect(joined(await chunkOf(streamOn())).toString()).toBe(`${long}more\n`);
  });

  it('is reported as moved if it was rewritten in place with other bytes of the same length', async () => {
    const position = await positionAfter(long);
    await writeFile(path, long.replaceAll('b', 'c'));
    expect(await streamOn().read(position, everything)).toBe('moved');
  });

  it.each([1, 4_096])(
    'is reported as moved if the byte %i before the position was edited',
    async (back) => {
      const position = await positionAfter(long);
      const file = await open(path, 'r+');
      await file.write('X', long.length - back);
      await file.close();
      expect(await streamOn().read(position, everything)).toBe('moved');
    },
  );

  it('keeps its position if it only grew, even with other times', async () => {
    const position = await positionAfter(long);
    await appendFile(path, 'next\n');
    await utimes(path, 0, 0);
    expect(joined(await chunkOf(streamOn(), position)).toString()).toBe('next\n');
  });

  it('rejects an invalid position', async () => {
    await writeFile(path, long);
    for (const at of [
      5,
      'x',
      {},
      [],
      { offset: -1, dev: '', ino: '', tail: '' },
      { offset: 1.5 },
    ]) {
      expect(await streamOn().read({ line: 1, at }, everything)).toBe('moved');
    }
  });

  it('is gone if it is missing, a folder or a link', async () => {
    const other = join(folder, 'other.jsonl');
    expect(await streamOn().read(startPosition, everything)).toBe('gone');
    expect(await streamOn().changed(undefined)).toBeUndefined();
    await mkdir(path);
    expect(await streamOn().read(startPosition, everything)).toBe('gone');
    expect(await streamOn().changed(undefined)).toBeUndefined();
    await rm(path, { recursive: true });
    await writeFile(other, long);
    await symlink(other, path);
    expect(await streamOn().read(startPosition, everything)).toBe('gone');
    await unlink(path);
    await symlink(path, path);
    expect(await streamOn().changed(undefined)).toBeUndefined();
  });
});

describe('a file that changes while it is read', () => {
  const content = 'one\ntwo\nthree\n';

  it('returns the lines that were there if it only grew', async () => {
    await writeFile(path, content);
    const io = meanwhile('read', () => appendFile(path, 'four\n'));
    const read = await chunkOf(streamOn(io));
    expect(joined(read).toString()).toBe(content);
    expect(joined(await chunkOf(streamOn(), read.next)).toString()).toBe('four\n');
    expect(await streamOn().changed(read.snapshot)).toBeDefined();
  });

  it.each(['read', 'stat'] as const)(
    'is reported as moved if it shrank before its %s',
    async (step) => {
      await writeFile(path, content);
      const io = meanwhile(step, () => truncate(path, 4));
      expect(await streamOn(io).read(startPosition, everything)).toBe('moved');
    },
  );

  it('is reported as moved if it shrank and grew again before the last check', async () => {
    await writeFile(path, content);
    const growing = meanwhile('stat', () => appendFile(path, 'four\n'.repeat(10)));
    const io = meanwhile('read', () => truncate(path, 4), growing);
    expect(await streamOn(io).read(startPosition, everything)).toBe('moved');
  });

  it('is reported as moved if it was rewritten at the same length', async () => {
    await writeFile(path, content);
    untilTimeTicks();
    const io = meanwhile('read', () => writeFile(path, content.replace('two', 'TWO')));
    expect(await streamOn(io).read(startPosition, everything)).toBe('moved');
  });

  it('returns the content of the old file if a new one took its name', async () => {
    await writeFile(path, content);
    await writeFile(`${path}.new`, 'quite another\n');
    const io = meanwhile('read', () => rename(`${path}.new`, path));
    const read = await streamOn(io).read(startPosition, everything);
    if (read === 'gone') throw new Error('it was open already');
    if (read !== 'moved') expect(joined(read).toString()).toBe(content);
    const next = read === 'moved' ? startPosition : read.next;
    expect(next.line === 0 || (await streamOn().read(next, everything)) === 'moved').toBe(true);
  });

  it('is always closed', async () => {
    await writeFile(path, content);
    let isOpen = 0;
    const io = wrappingOpen((file) => {
      isOpen += 1;
      return {
        close: () => {
          isOpen -= 1;
          return file.close();
        },
      };
    });
    await streamOn(io).read(startPosition, everything);
    await streamOn(io).read({ line: 1, at: 'x' }, everything);
    const failing = meanwhile('read', () => Promise.reject(systemError('EIO')), io);
    await expect(streamOn(failing).read(startPosition, everything)).rejects.toThrow(path);
    expect(isOpen).toBe(0);
  });
});

describe('a snapshot', () => {
  it('differs after every change, and only then', async () => {
    const stream = streamOn();
    await writeFile(path, 'a\n');
    const first = await stream.changed(undefined);
    expect(first?.size).toBe(2);
    expect(await stream.changed(first)).toBeUndefined();
    await appendFile(path, 'b\n');
    const second = await stream.changed(first);
    expect(second?.size).toBe(4);
    untilTimeTicks();
    await writeFile(path, 'c\nd\n');
    expect(await stream.changed(second)).toBeDefined();
  });
});

describe('a disk error', () => {
  it('names the file and says what to do', async () => {
    const refusing = (code: string): Io => ({
      ...nodeIo,
      open: () => Promise.reject(systemError(code)),
      stat: () => Promise.reject(systemError(code)),
    });
    const denied = streamOn(refusing('EACCES')).read(startPosition, everything);
    await expect(denied).rejects.toThrow(SourceError);
    await expect(streamOn(refusing('EACCES')).changed(undefined)).rejects.toThrow(path);
    const broken = streamOn(refusing('EIO')).read(startPosition, everything);
    await expect(broken).rejects.toThrow(SourceError);
    await expect(broken).rejects.toMatchObject({ hint: expect.stringContaining('again') });
  });
});
