import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { MemoryStore } from '../support/memory-bucket.js';
import { MemoryDisk } from '../support/memory-disk.js';
import { type Death, Mortal } from '../support/mortal.js';
import { quiescence } from '../support/turnstile.js';
import { judge, judgeAppendOnly, makeWriter, type World } from './mirror-script.js';

/** Small parts, so that one drain is many calls. */
const limits = { partBytes: 40, parts: 50 };
const deaths: readonly Death[] = ['before', 'after', 'torn', 'on-its-way'];
const state = '/state/w';

interface Story {
  readonly name: string;
  /** What becomes of the source between the first drain, which is whole, and the second, which is not. */
  readonly happens: (disk: MemoryDisk, path: string) => void;
  readonly generations: number;
  /** What becomes of local state after the death. */
  readonly after?: (disk: MemoryDisk, saved: ReadonlyMap<string, Buffer>) => void;
}

function lines(from: number, to: number): Buffer {
  const line = (n: number): string => `{"n":${n}${n % 5 === 0 ? ` SECRET${n}` : ''}}\n`;
  return Buffer.from(Array.from({ length: to - from }, (_, n) => line(from + n)).join(''));
}

const grow: Story['happens'] = (disk, path) => disk.append(path, lines(6, 24));
const stories: readonly Story[] = [
  { name: 'it grew', happens: grow, generations: 0 },
  {
    name: 'it grew, and state is lost',
    happens: grow,
    generations: 0,
    after: (disk) => disk.delete(state),
  },
  {
    name: 'it grew, and state comes back from before',
    happens: grow,
    generations: 0,
    after: (disk, saved) => disk.restore(state, saved),
  },
  {
    name: 'it was rewritten from the third line on',
    happens: (disk, path) => disk.overwrite(path, Buffer.concat([lines(0, 3), lines(30, 45)])),
    generations: 1,
  },
  {
    name: 'it was replaced by something else, and state is lost',
    happens: (disk, path) => disk.replace(path, lines(50, 62)),
    generations: 1,
    after: (disk) => disk.delete(state),
  },
];

class Case {
  readonly #story: Story;
  readonly #store: MemoryStore;
  readonly #disk = new MemoryDisk();
  readonly world: World;

  constructor(story: Story, listsDigests: boolean) {
    this.#story = story;
    this.#store = new MemoryStore(listsDigests);
    const [prefix, path] = ['p/sessions/claude-code/s/', '/source/session.jsonl'];
    this.world = { store: this.#store, disk: this.#disk, prefix, path };
  }

  /** The second drain, by a process that may die in it; what it did comes back. */
  async play(mortal: Mortal): Promise<void> {
    this.#disk.append(this.world.path, lines(0, 6));
    await this.#upload(new Mortal());
    const saved = this.#disk.snapshot(state);
    this.#story.happens(this.#disk, this.world.path);
    await Promise.race([this.#upload(mortal), mortal.died]);
    await quiescence();
    this.#story.after?.(this.#disk, saved);
    await this.#upload(new Mortal());
    await mortal.arrive();
    await this.#upload(new Mortal());
  }

  /** Every object: a generation's record names its moment, so only that it is there. */
  objects(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#store.objects].map(([key, { body }]) => [
        key,
        key.includes('/gen-') ? '' : body.toString(),
      ]),
    );
  }

  async #upload(mortal: Mortal): Promise<void> {
    const bucket: Bucket = mortal.bucket(this.#store.client());
    const io = mortal.io(this.#disk.io());
    const mirror = makeWriter({ bucket, io, state, name: 'w' });
    await mirror.upload(limits);
    await mirror.audit();
  }
}

describe.each(stories)('killed at every call in every way while it drains: $name', (story) => {
  it.each([true, false])(
    'nothing is lost or duplicated (digests in listings: %s)',
    async (digests) => {
      const whole = new Mortal();
      const reference = new Case(story, digests);
      await reference.play(whole);
      const expected = reference.objects();
      expect(await judge(reference.world)).toBeUndefined();
      if (story.generations === 0) expect(await judgeAppendOnly(reference.world)).toBeUndefined();
      expect([...expected.keys()].filter((key) => key.includes('/gen-'))).toHaveLength(
        story.generations,
      );
      expect(whole.calls.filter((name) => name.startsWith('PUT')).length).toBeGreaterThan(4);
      expect(whole.calls).toContain('appendFile');
      for (let call = 0; call < whole.calls.length; call += 1) {
        // Where nothing is written, all deaths are one.
        const isWrite = /^(PUT|replaceFile|appendFile|remove)/.test(whole.calls[call] ?? '');
        for (const death of isWrite ? deaths : deaths.slice(0, 1)) {
          const one = new Case(story, digests);
          await one.play(new Mortal(call, death));
          expect(one.objects(), `${death} call ${call} (${whole.calls[call]})`).toEqual(expected);
        }
      }
    },
  );
});
