import { statSync } from 'node:fs';
import {
  appendFile,
  copyFile,
  open,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPosition } from '../../src/mirror/stream.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { MemoryStore } from '../support/memory-bucket.js';
import { settle, WriterRig } from '../support/writer-rig.js';

/** `npm run soak` mirrors into a real folder; `npm test` into memory, since what matters here is the source. */
const isFull = process.env.TRACECRAFT_SOAK === 'full';
let rig: WriterRig;

beforeEach(async () => {
  rig = await WriterRig.create(isFull ? undefined : new MemoryStore(true).client());
});

afterEach(() => rig.remove());

function lines(count: number, text = 'as it was'): string {
  const key = `AKIA${'QYLPMN5HFIQR7XYA'}`;
  return Array.from({ length: count }, (_, n) => {
    const said = n % 9 === 8 ? `${text} ${key}` : text;
    return `${JSON.stringify({ n, said, pad: 'p'.repeat(180) })}\n`;
  }).join('');
}

function redacted(source: Buffer | string): Buffer {
  const redactor = createRedactor();
  const whole = Buffer.from(source);
  const cut = whole.lastIndexOf(0x0a) + 1;
  const parts = whole
    .subarray(0, cut)
    .toString('latin1')
    .split(/(?<=\n)/);
  return Buffer.concat(parts.map((line) => redactor.redact(Buffer.from(line, 'latin1')).bytes));
}

/** What becomes of a file that held `now`; the archive must agree with what is there after it. */
interface Change {
  readonly happen: (path: string, now: string) => Promise<unknown>;
  /** `ahead`: the archive keeps what the source lost. */
  readonly state: 'ok' | 'ahead';
  readonly generation: number;
}

const still = { state: 'ok', generation: 0 } as const;
const anew = { state: 'ok', generation: 1 } as const;
const shorter = { state: 'ahead', generation: 0 } as const;

async function renameOver(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

/** Unlinked and made again until the file system gives the same inode, as ext4 does at once. */
async function underTheSameInode(path: string, content: string): Promise<void> {
  const wanted = statSync(path).ino;
  await unlink(path);
  for (let attempt = 0; attempt < 200; attempt += 1) {
    await writeFile(path, content);
    if (statSync(path).ino === wanted) return;
    await rename(path, `${path}.held-${attempt}`);
  }
  await writeFile(path, content);
}

async function editAt(path: string, at: number): Promise<void> {
  const { atime, mtime } = statSync(path);
  const file = await open(path, 'r+');
  await file.write('X', at);
  await file.close();
  await utimes(path, atime, mtime);
}

const other = lines(60, 'another one');
const changes: Readonly<Record<string, Change>> = {
  'truncated and rewritten as it was': {
    happen: (path, now) => writeFile(path, now),
    ...still,
  },
  'truncated and rewritten as it was, and more': {
    happen: (path, now) => writeFile(path, now + lines(5, 'more')),
    ...still,
  },
  'truncated and rewritten otherwise': { happen: (path) => writeFile(path, other), ...anew },
  'rewritten otherwise in the same length': {
    happen: (path, now) => writeFile(path, now.replaceAll('as it was', 'as it is!')),
    ...anew,
  },
  'rewritten otherwise and shorter': {
    happen: (path) => writeFile(path, lines(3, 'short')),
    ...anew,
  },
  'rewritten in its second half only': {
    happen: (path, now) => writeFile(path, now.slice(0, 5_000) + lines(30, 'second half')),
    ...anew,
  },
  'cut at the end of a line': {
    happen: (path, now) => truncate(path, now.indexOf('\n', 3_000) + 1),
    ...shorter,
  },
  'cut in the middle of a line': { happen: (path) => truncate(path, 3_000), ...shorter },
  'cut to nothing': { happen: (path) => truncate(path, 0), ...shorter },
  'cut and regrown as it was': {
    happen: async (path, now) => {
      await truncate(path, 3_000);
      await appendFile(path, now.slice(3_000));
    },
    ...still,
  },
  'cut and regrown otherwise': {
    happen: async (path) => {
      await truncate(path, 3_000);
      await appendFile(path, `\n${other}`);
    },
    ...anew,
  },
  'replaced by a copy that goes on': {
    happen: (path, now) => renameOver(path, now + lines(5, 'more')),
    ...still,
  },
  'replaced by another text': { happen: (path) => renameOver(path, other), ...anew },
  'made anew with another text, under the same inode': {
    happen: (path) => underTheSameInode(path, other),
    ...anew,
  },
  'made anew as it was and more, under the same inode': {
    happen: (path, now) => underTheSameInode(path, now + lines(5, 'more')),
    ...still,
  },
  'edited far before its end, its time put back': {
    happen: (path) => editAt(path, 300),
    ...anew,
  },
  'edited far before its end, and grown': {
    happen: async (path) => {
      await editAt(path, 300);
      await appendFile(path, lines(5, 'more'));
    },
    ...anew,
  },
  'edited near its end': { happen: (path, now) => editAt(path, now.length - 100), ...anew },
  deleted: { happen: (path) => unlink(path), ...shorter },
  'deleted, and back from a copy': {
    happen: async (path) => {
      await copyFile(path, `${path}.copy`);
      await unlink(path);
      await rename(`${path}.copy`, path);
    },
    ...still,
  },
  'swapped for a link to it, which is not followed': {
    happen: async (path) => {
      await rename(path, `${path}.real`);
      await symlink(`${path}.real`, path);
    },
    ...shorter,
  },
  'swapped for a link and back': {
    happen: async (path, now) => {
      await rename(path, `${path}.real`);
      await symlink(`${path}.real`, path);
      await rename(`${path}.real`, path);
      await appendFile(path, now.slice(0, now.indexOf('\n') + 1));
    },
    ...still,
  },
};

const moments = ['while it is watched', 'while nobody watches', 'and local state is lost'] as const;

describe.each(Object.entries(changes))('a transcript %s', (_, change) => {
  const before = lines(40);

  async function expectKept(now: string): Promise<void> {
    const verdict = await rig.verdict();
    expect(verdict).toMatchObject({ state: change.state, generation: change.generation });
    const source = change.state === 'ahead' ? now : await readFile(rig.path);
    expect((await rig.archived()).equals(redacted(source))).toBe(true);
    const opened = (await rig.names()).filter((name) => name.startsWith('gen-'));
    expect(opened).toHaveLength(change.generation);
    expect(rig.troubles).toEqual([]);
  }

  it.each(moments)('%s', async (moment) => {
    await writeFile(rig.path, before);
    const first = rig.open();
    await settle(first);
    await change.happen(rig.path, before);
    const mirror =
      moment === 'while it is watched'
        ? first
        : rig.open(moment === 'while nobody watches' ? {} : { state: 'new' });
    await settle(mirror);
    await expectKept(before);
    // Nothing is asked or sent for it any more; one that is gone is not even looked into.
    const asked = rig.requests.length;
    const isThere = (await mirror.source.read(startPosition, { bytes: 1 })) !== 'gone';
    if (isThere) await mirror.upload({ partBytes: 2_000, parts: 10 });
    expect(rig.requests.slice(asked)).toEqual([]);
  });

  it('between reading and uploading', async () => {
    await writeFile(rig.path, before);
    await settle(rig.open());
    const now = before + lines(3, 'just read');
    await appendFile(rig.path, now.slice(before.length));
    let isNext = true;
    const mirror = rig.open({
      beforePut: async () => {
        if (isNext) await change.happen(rig.path, now);
        isNext = false;
      },
    });
    await settle(mirror);
    expect(isNext).toBe(false);
    await expectKept(now);
  });
});

describe('a writer that continues after a copytruncate', () => {
  it.each(['a', 'r+'])('opened with %s', async (flags) => {
    const start = lines(20);
    await writeFile(rig.path, start);
    const mirror = rig.open();
    await settle(mirror);
    const writer = await open(rig.path, flags);
    const append = async (text: string, at: number): Promise<void> => {
      await writer.write(text, flags === 'a' ? null : at);
    };
    await append(lines(2, 'seen'), start.length);
    await settle(mirror);
    const at = (await readFile(rig.path)).length;
    await copyFile(rig.path, `${rig.path}.1`);
    await truncate(rig.path, 0);
    // Without O_APPEND it leaves a hole of NULs, which is the beginning of the first line.
    await append(lines(30, 'after'), at);
    await writer.close();
    await settle(mirror);
    expect(await rig.verdict()).toMatchObject({ state: 'ok', generation: 1, shippedLines: 30 });
    const source = await readFile(rig.path);
    expect(source[0]).toBe(flags === 'a' ? 0x7b : 0);
    expect((await rig.archived()).equals(redacted(source))).toBe(true);
  });
});

describe('a transcript with useless times', () => {
  it('is followed although each write resets the time', async () => {
    await writeFile(rig.path, lines(1));
    await utimes(rig.path, 1, 1);
    const mirror = rig.open();
    await settle(mirror);
    for (let round = 0; round < 20; round += 1) {
      await appendFile(rig.path, lines(1, `round ${round}`));
      await utimes(rig.path, 1, 1);
      expect(await mirror.source.changed(mirror.snapshot)).toBeDefined();
      await mirror.upload({ partBytes: 2_000, parts: 10 });
    }
    expect(await rig.verdict()).toMatchObject({ state: 'ok', shippedLines: 21, generation: 0 });
    await rm(rig.path);
  });
});
