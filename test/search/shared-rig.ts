import type { Bucket } from '../../src/bucket/bucket.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { partName } from '../../src/protocol/parts.js';
import { noRedaction, type Redactor } from '../../src/redact/redact.js';
import { Coverage } from '../../src/search/cache/coverage.js';
import { createMatcher, type Query } from '../../src/search/matcher.js';
import { contentOf } from '../../src/search/pack/pack-content.js';
import { PackPublisher } from '../../src/search/published/pack-publisher.js';
import { type SharedPack, SharedPacks } from '../../src/search/published/shared-packs.js';
import { scanSessions } from '../../src/search/scan.js';
import { listIndexed } from '../../src/sessions/indexed.js';
import { shortIds } from '../../src/sessions/reference.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryStore } from '../support/memory-bucket.js';

export const layout = bucketLayout('run');
export const minute = 60_000;

export const said = (text: string): string =>
  JSON.stringify({ type: 'user', message: { role: 'user', content: text } });

interface StreamEnd {
  readonly lines: number;
  readonly parts: number;
  readonly generation: number;
}

interface Asked extends Partial<Query> {
  readonly isScan?: boolean;
  readonly from?: Bucket;
  readonly packs?: readonly SharedPack[];
  /** Stops after so many sessions with hits. */
  readonly limit?: number;
}

/** A store whose time is the clock's, and machines that mirror into it and search in it. */
export class SharedRig {
  readonly clock = new ManualClock();
  readonly store: MemoryStore;
  readonly bucket: Bucket;
  readonly #ends = new Map<string, StreamEnd>();

  constructor({ listsDigests = true } = {}) {
    this.store = new MemoryStore(listsDigests);
    this.bucket = this.store.client();
    this.advance(0);
  }

  advance(ms: number): void {
    this.clock.advance(ms);
    this.store.nowMs = this.clock.now();
  }

  publisher(
    indexer: string,
    {
      bucket = this.bucket,
      redactor = noRedaction,
      onTrouble = (error: Error): void => {
        throw error;
      },
    }: { bucket?: Bucket; redactor?: Redactor; onTrouble?: (error: Error) => void } = {},
  ): PackPublisher {
    return new PackPublisher({
      bucket,
      layout,
      indexer: async () => indexer,
      redactor,
      clock: this.clock,
      reclaim: () => undefined,
      onTrouble,
    });
  }

  /** Appends one part to a stream, as a mirror would, and tells the publisher. */
  async send(
    publisher: PackPublisher | undefined,
    folder: string,
    lines: readonly string[],
  ): Promise<string> {
    const end = this.#ends.get(folder) ?? { lines: 0, parts: 0, generation: 0 };
    const key = `${layout.root}${folder}/${partName(end.parts, end.generation, end.lines)}`;
    const body = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    const { etag } = await this.bucket.put(key, body);
    const [startLine, endLine] = [end.lines, end.lines + lines.length];
    this.#ends.set(folder, { ...end, lines: endLine, parts: end.parts + 1 });
    const harness = folder.split('/')[1] ?? '';
    publisher?.add({ harness, key, startLine, endLine, body, etag });
    return key;
  }

  /** Somebody else wrote to the stream. */
  continueFrom(folder: string, end: StreamEnd): void {
    this.#ends.set(folder, end);
  }

  /** Everything a search says: through the bucket's packs, or without. */
  async search(words: readonly string[], options: Asked = {}) {
    const { isScan = false, from = this.bucket, limit = Infinity, ...query } = options;
    const opened = async () => (isScan ? [] : new SharedPacks(from, layout).open());
    const packs = options.packs ?? (await opened());
    const found: object[] = [];
    let [scannedBytes, wanted] = [0, limit];
    const sessions = scanSessions({
      bucket: from,
      layout,
      matcher: createMatcher({ ...plain, ...query, words }),
      scope: { hasSubagents: true },
      perSession: 3,
      limit,
      shortIds,
      listed: listIndexed,
      coverage: new Coverage(
        layout.root,
        packs.map(({ pack }) => pack),
      ),
    });
    for await (const { scannedBytes: bytes, ...one } of sessions) {
      scannedBytes += bytes;
      found.push(one);
      if (one.count > 0) wanted -= 1;
      if (wanted === 0) break;
    }
    return { found, scannedBytes };
  }

  packs(): SharedPacks {
    return new SharedPacks(this.bucket, layout);
  }

  packKeys(): readonly string[] {
    return [...this.store.objects.keys()].filter((key) => key.endsWith('.pack'));
  }

  /** All text in all packs. */
  async packedText(): Promise<string> {
    const texts: string[] = [];
    for (const { pack } of await this.packs().open()) {
      for (const { rows } of await contentOf(pack)) texts.push(...rows.map(({ text }) => text));
    }
    return texts.join('\n');
  }
}

const plain: Query = {
  words: [],
  isAny: false,
  isWhole: false,
  isSubstring: false,
  isRegex: false,
};
