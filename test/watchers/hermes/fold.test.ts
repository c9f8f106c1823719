import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeIo } from '../../../src/io.js';
import {
  type JsonValue,
  type Position,
  type ReadLimit,
  startPosition,
} from '../../../src/mirror/stream.js';
import { createRedactor } from '../../../src/redact/redactor.js';
import { decodeShipped, encodeShipped } from '../../../watchers/hermes/position.js';
import { HermesWatcher } from '../../../watchers/hermes/watcher.js';
import type { RowFingerprint } from '../../../watchers/sqlite/row-fingerprint.js';
import { foldLines, HermesHome, type HermesStore, literal } from '../../support/hermes-home.js';
import { ManualClock } from '../../support/manual-clock.js';
import { allStreams, hostileLines } from '../contract.js';
import { chunkOf, everything, plainLines } from '../reading.js';

let home: HermesHome;

beforeEach(async () => {
  home = await HermesHome.create();
});

afterEach(() => home.remove());

type Step = readonly [what: string, row: number, text: string];

const contents = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    '\0json:[{"type":"text"}]',
    '\0json:{"a":[1,\n2]}',
    'AKIAQYLPMN5HFIQR7XYA',
    'a\0b',
  ),
);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.tuple(
    fc.constantFrom(
      'insert',
      'insert',
      'edit',
      'compact',
      'rewind',
      'restore',
      'delete',
      'replace',
    ),
    fc.nat(30),
    contents,
  ),
  { maxLength: 20 },
);

/** What Hermes does to the rows of a session. */
function apply(store: HermesStore, [what, row, text]: Step): void {
  const of = `session_id = 's'`;
  const one = `${of} AND id = (SELECT id FROM messages WHERE ${of} LIMIT 1 OFFSET ${row % 7})`;
  if (what === 'insert') store.say('s', 'user', text);
  if (what === 'edit') store.run(`UPDATE messages SET content = ${literal(text)} WHERE ${one}`);
  if (what === 'rewind') store.run(`UPDATE messages SET active = 0 WHERE ${of} AND id >= ${row}`);
  if (what === 'restore') store.run(`UPDATE messages SET active = 1 WHERE ${of} AND id >= ${row}`);
  if (what === 'delete') store.run(`DELETE FROM messages WHERE ${one}`);
  if (what === 'compact') {
    store.run(`BEGIN; UPDATE messages SET active = 0, compacted = 1 WHERE ${of} AND id <= ${row}`);
    store.say('s', 'user', text).run('COMMIT');
  }
  if (what === 'replace') {
    store.run(`BEGIN; DELETE FROM messages WHERE ${of}`);
    store.say('s', 'user', text).say('s', 'assistant', text).run('COMMIT');
  }
}

async function clean(store: HermesStore): Promise<void> {
  store.run('DELETE FROM messages; DELETE FROM sessions').session('s');
}

async function streamOf() {
  const clock = new ManualClock();
  const watcher = new HermesWatcher({ io: nodeIo, clock, env: {}, home: home.home });
  const [stream] = await allStreams(watcher);
  if (stream?.kind !== 'records') throw new Error('no such stream');
  return stream;
}

describe.each(['WAL', 'DELETE'] as const)('with journal mode %s', (mode) => {
  it('folding the lines gives the table, whatever happened between reads', async () => {
    const store = await home.store('', mode);
    const rounds = fc.array(fc.tuple(steps, fc.integer({ min: 1, max: 6 })), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(rounds, async (script) => {
        await clean(store);
        const stream = await streamOf();
        const lines: Buffer[] = [];
        let position: Position = startPosition;
        const take = async (limit: ReadLimit): Promise<boolean> => {
          const chunk = await chunkOf(stream, position, limit);
          lines.push(...plainLines(chunk));
          position = JSON.parse(JSON.stringify(chunk.next)) as Position;
          return chunk.more;
        };
        for (const [changes, size] of script) {
          for (const change of changes) apply(store, change);
          await take({ bytes: Number.POSITIVE_INFINITY, lines: size });
        }
        while (await take({ bytes: 300 }));
        expect(foldLines(lines)).toEqual(store.rows('s'));
        expect(position.line).toBe(lines.length);
        expect(stream.fold(startPosition, lines)).toEqual(position);
      }),
      { numRuns: 60 },
    );
  });
});

it('continues from folded redacted lines, and resends nothing that agrees', async () => {
  const store = await home.store();
  const redactor = createRedactor();
  await fc.assert(
    fc.asyncProperty(steps, steps, async (first, second) => {
      await clean(store);
      const stream = await streamOf();
      for (const step of first) apply(store, step);
      const before = plainLines(await chunkOf(stream)).map((line) => redactor.redact(line).bytes);
      const recovered = stream.fold(startPosition, before);
      expect((await chunkOf(stream, recovered)).lines).toEqual([]);
      for (const step of second) apply(store, step);
      const after = plainLines(await chunkOf(stream, recovered));
      const redacted = after.map((line) => redactor.redact(line).bytes);
      const table = store.rows('s').map((row) => JSON.stringify(row, Object.keys(row).sort()));
      expect(foldLines([...before, ...redacted]).length).toBe(table.length);
      const last = stream.fold(recovered, redacted);
      expect((await chunkOf(stream, last)).lines).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

it('redacts a key in a message, and recognises the row again', async () => {
  const store = await home.store();
  await clean(store);
  store.say('s', 'user', 'my key is AKIAQYLPMN5HFIQR7XYA, keep it');
  const stream = await streamOf();
  const redactor = createRedactor();
  const lines = plainLines(await chunkOf(stream)).map((line) => redactor.redact(line).bytes);
  expect(String(lines[1])).toContain('[REDACTED:');
  const position = stream.fold(startPosition, lines);
  expect((await chunkOf(stream, position)).lines).toEqual([]);
  store.run('UPDATE messages SET active = 0');
  expect((await chunkOf(stream, position)).lines.length).toBe(1);
});

describe('a position', () => {
  it('survives a round trip through JSON', () => {
    const ids = fc.uniqueArray(fc.integer({ min: -50, max: 2 ** 40 }), { maxLength: 50 });
    fc.assert(
      fc.property(ids, fc.option(fc.nat(), { nil: undefined }), (unordered, after) => {
        const rows = new Map<number, RowFingerprint>();
        for (const id of unordered.sort((left, right) => left - right)) {
          rows.set(id, id % 3 === 0 ? [[1, -5, 'x']] : 'abcd-_12');
        }
        const shipped = { session: undefined, usage: undefined, rows, after };
        const kept: JsonValue = JSON.parse(JSON.stringify(encodeShipped(shipped)));
        expect(decodeShipped(kept)).toEqual(shipped);
      }),
    );
  });

  it('is rejected if it is invalid', async () => {
    const store = await home.store();
    await clean(store);
    const stream = await streamOf();
    for (const at of ['x', 5, [], {}, { session: null, rows: 'abc' }, { session: 5, rows: '' }]) {
      expect(await stream.read({ line: 3, at }, everything)).toBe('moved');
    }
  });

  it('ignores lines that are not rows', async () => {
    const store = await home.store();
    await clean(store);
    store.say('s', 'user', 'x');
    const stream = await streamOf();
    const lines = plainLines(await chunkOf(stream));
    const texts = ['{"op":"insert","id":1e9}\n', '{"op":"insert","id":7', '{"op":"burn","id":7}\n'];
    const strange = [...texts.map((text) => Buffer.from(text)), ...hostileLines];
    const { at } = stream.fold(startPosition, [...lines, ...strange]);
    expect(at).toEqual(stream.fold(startPosition, lines).at);
  });

  it('of 50,000 messages takes half a megabyte, and a scan a few seconds at most', async () => {
    const store = await home.store();
    await clean(store);
    store.run(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
      INSERT INTO messages (session_id, role, content, timestamp)
      SELECT 's', 'user', hex(zeroblob(200)) || i, 1 FROM n`);
    const stream = await streamOf();
    const { next, lines } = await chunkOf(stream);
    expect(lines.length).toBe(50_001);
    expect(JSON.stringify(next.at).length).toBeLessThan(512 * 1024);
    const before = process.cpuUsage();
    expect((await chunkOf(stream, next)).lines).toEqual([]);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(5_000);
  }, 60_000);
});
