import { appendFileSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { type Clock, systemClock } from '../../src/clock.js';
import { everything } from '../../src/mirror/watch/selection.js';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { MemoryStore } from '../support/memory-bucket.js';
import { MirrorRig } from '../support/mirror-rig.js';

const isFull = process.env.TRACECRAFT_SOAK === 'full';
const cwd = '/home/alex/work';
const dayMs = 24 * 3_600_000;

/** Every request, in the order in which they were sent: its name and its key or prefix. */
function counted(bucket: Bucket, requests: string[]): Bucket {
  const note = (name: string, key: string): void => {
    requests.push(`${name} ${key}`);
  };
  return {
    ...bucket,
    get: (key, options) => {
      note('GET', key);
      return bucket.get(key, options);
    },
    put: (key, body, options) => {
      note('PUT', key);
      return bucket.put(key, body, options);
    },
    putIfAbsent: (key, body, options) => {
      note('PUT', key);
      return bucket.putIfAbsent(key, body, options);
    },
    putIfMatch: (key, body, etag, options) => {
      note('PUT', key);
      return bucket.putIfMatch(key, body, etag, options);
    },
    list: (prefix, options) => {
      note('LIST', prefix);
      return bucket.list(prefix, options);
    },
  };
}

/** `npm run soak` has 10,000 of them and an idle minute; `npm test` fewer, for the same questions. */
const sessions = isFull ? 10_000 : 2_500;

describe(`${sessions} sessions`, () => {
  const idleMs = isFull ? 60_000 : 2_500;
  let rig: MirrorRig;
  const ids = Array.from({ length: sessions }, () => sessionUuid());
  const [first = ''] = ids;

  beforeEach(async () => {
    rig = await MirrorRig.create();
    const longAgo = new Date(Date.now() - 30 * dayMs);
    for (const [n, id] of ids.entries()) {
      const folder = rig.tree.path(`/work/${n % 100}`);
      if (n < 100) mkdirSync(folder, { recursive: true });
      const path = join(folder, `${id}.jsonl`);
      writeFileSync(path, lineOf(userRow('old', { sessionId: id, cwd })));
      utimesSync(path, longAgo, longAgo);
    }
  }, 120_000);

  afterEach(() => rig.remove());

  it('are scanned at once, cost no request while idle, and none is missed', async () => {
    const requests: string[] = [];
    const bucket = counted(rig.bucket, requests);
    const selection = { ...everything, sinceMs: 7 * dayMs };
    const startedMs = performance.now();
    const run = rig.watch({ bucket, selection, sweepMs: 1_000 });
    await run.started;
    const readyMs = performance.now() - startedMs;
    expect(run.taken).toMatchObject([{ sessions: 0, leftSessions: sessions }]);
    // A second on a quiet machine; the bound leaves room for a busy one.
    expect(readyMs).toBeLessThan(10_000);
    const atStart = requests.length;
    expect(requests.filter((one) => !one.startsWith('LIST'))).toEqual([]);
    const before = process.cpuUsage();
    await systemClock.sleep(idleMs);
    const { user, system } = process.cpuUsage(before);
    expect(requests).toHaveLength(atStart);
    for (const index of [0, sessions / 2, sessions - 1]) {
      const id = ids[index] ?? '';
      const path = join(rig.tree.path(`/work/${index % 100}`), `${id}.jsonl`);
      await writeFile(path, lineOf(userRow('new', { sessionId: id, cwd })), { flag: 'a' });
    }
    await rig.untilShipped(run, 6);
    expect((await run.end()).behind).toEqual([]);
    expect(new Set(run.parts).size).toBe(3);
    expect(run.parts).toContain(`${first}/`);
    const cpu = ((user + system) / 1_000 / idleMs) * 100;
    process.stdout.write(
      `${JSON.stringify({ sessions, ready_ms: Math.round(readyMs), sweep_every_ms: 1_000, cpu_percent: Math.round(cpu * 10) / 10 })}\n`,
    );
  }, 180_000);
});

/** Time passes as fast as the loop can follow; `live` is called with each moment. */
class StoryClock implements Clock {
  readonly #live: (nowMs: number) => void;
  readonly #startMs = Date.now();
  #elapsedMs = 0;

  constructor(live: (nowMs: number) => void) {
    this.#live = live;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    this.#elapsedMs += ms;
    this.#live(this.#elapsedMs);
    // Reads of the source are real, and take their turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

const minutes = isFull ? 60 : 6;
/** On a slow machine time passes while the last lines are waited for. */
const storeAuditEveryMs = 600_000;

describe(`${minutes} minutes of one session`, () => {
  const lastsMs = minutes * 60_000;
  const everyMs = 1_700;

  it('costs one request per flush, one document per minute, one listing per ten minutes, and one read', async () => {
    const store = new MemoryStore(true);
    const requests: string[] = [];
    const rig = await MirrorRig.create(counted(store.client(), requests));
    const id = sessionUuid();
    const context = { sessionId: id, cwd };
    const { path } = await rig.tree.session(cwd, id).append(userRow('first', context));
    let written = 1;
    let isOver: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      isOver = resolve;
    });
    const clock = new StoryClock((nowMs) => {
      if (nowMs >= lastsMs) return isOver();
      for (; written * everyMs < nowMs; written += 1) {
        appendFileSync(path, lineOf(userRow(`row ${written} ${'x'.repeat(400)}`, context)));
      }
    });
    const run = rig.watch({ clock });
    await rig.untilShipped(run, 1);
    const atStart = requests.length;
    await over;
    await rig.untilShipped(run, written);
    const later = requests.slice(atStart);
    const isPart = (one: string) => /PUT .*\/part-/.test(one);
    const parts = later.filter(isPart);
    const metas = later.filter((one) => one.endsWith('meta.json'));
    expect(requests.filter(isPart)).toHaveLength(run.parts.length);
    expect(parts.length).toBeGreaterThan(minutes);
    expect(parts.length).toBeLessThanOrEqual(lastsMs / 2_000 + 5);
    expect(metas.length).toBeLessThanOrEqual(minutes + 3);
    const listings = later.filter((one) => one.startsWith('LIST'));
    expect(listings.length).toBeLessThanOrEqual(clock.monotonic() / storeAuditEveryMs);
    expect(later).toHaveLength(parts.length + metas.length + listings.length);
    // Only the first write of meta.json asks what another machine may have left there; whether that comes before or
    // after the first look at what was uploaded depends on the machine's speed.
    const reads = requests.filter((one) => one.startsWith('GET'));
    expect(reads.map((one) => one.slice(one.lastIndexOf('/') + 1))).toEqual(['meta.json']);
    await run.end();
    expect((await rig.verdicts()).get(`${id}/`)?.shippedLines).toBe(written);
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(written + 1);
    process.stdout.write(
      `${JSON.stringify({ minutes, lines: written, parts: parts.length, metas: metas.length })}\n`,
    );
    await rig.remove();
  }, 120_000);
});
