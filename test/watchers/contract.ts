import { describe, expect, it } from 'vitest';
import {
  type Line,
  type Position,
  type SessionFacts,
  type Stream,
  startPosition,
  streamsOf,
  type Watcher,
} from '../../src/mirror/stream.js';
import { chunkOf } from './reading.js';

/** A watcher over a disk that holds something of every kind its harness writes. */
export interface Specimen {
  readonly watcher: Watcher;
  /** Another one over the same disk, that has seen nothing yet. */
  readonly another: () => Watcher;
  /** Paths below a root that are nothing of a session. */
  readonly strangers: readonly string[];
  /** A path at which an event would concern the stream. */
  readonly eventPath: (stream: Stream) => string;
  /** Lets time pass until everything on the disk counts. */
  readonly settle: () => Promise<void>;
}

/** What the mirror relies on, whatever the harness. `create` makes a fresh specimen; the caller cleans up after it. */
export function describeWatcher(name: string, create: () => Promise<Specimen>): void {
  describe(`${name}, as every watcher`, () => {
    it('finds streams below its roots, each the same object every time', async () => {
      const { watcher } = await create();
      const first = await allStreams(watcher);
      const second = await allStreams(watcher);
      expect(first.length).toBeGreaterThan(0);
      expect(second.length).toBe(first.length);
      for (const stream of first) expect(second.includes(stream)).toBe(true);
      expect(new Set(first.map(({ source }) => source)).size).toBe(first.length);
    });

    it('gives every stream a session of its harness and a name of valid segments', async () => {
      const { watcher } = await create();
      for (const { session, name: streamName } of await allStreams(watcher)) {
        expect(session.harness).toBe(watcher.harness);
        expect(session.id).not.toBe('');
        const isProper = streamName === '' || streamName.split('/').every(isProperSegment);
        expect(isProper, streamName).toBe(true);
      }
    });

    it('knows which stream an event concerns, before and after a sweep', async () => {
      const { watcher, another, eventPath } = await create();
      const unswept = another();
      const met: Stream[] = [];
      for (const stream of await allStreams(watcher)) {
        expect(await watcher.streamOf(eventPath(stream))).toBe(stream);
        const same = await unswept.streamOf(eventPath(stream));
        expect(same?.source).toBe(stream.source);
        expect(same?.session).toEqual(stream.session);
        expect(same?.name).toBe(stream.name);
        if (same !== undefined) met.push(same);
      }
      const swept = await allStreams(unswept);
      for (const stream of met) expect(swept.includes(stream), stream.source).toBe(true);
    });

    it('ignores foreign paths', async () => {
      const { watcher, strangers } = await create();
      const streams = await allStreams(watcher);
      for (const path of strangers) {
        expect(await watcher.streamOf(path), path).toBeUndefined();
        expect(
          streams.some(({ source }) => source === path),
          path,
        ).toBe(false);
      }
      expect(await watcher.streamOf('/nowhere/at/all.jsonl')).toBeUndefined();
    });

    it('reads the same twice from the start, and then has nothing to do', async () => {
      for (const stream of await settledStreams(await create())) {
        const first = await chunkOf(stream, startPosition);
        const second = await chunkOf(stream, startPosition);
        expect(contents(second.lines)).toEqual(contents(first.lines));
        expect(second.next).toEqual(first.next);
        expect(first.more).toBe(false);
        expect(first.next.line).toBe(first.lines.length);
        expect(await stream.changed(first.snapshot)).toBeUndefined();
        expect((await stream.changed(undefined))?.token).toBe(first.snapshot.token);
      }
    });

    it('continues from any position, even one stored as JSON', async () => {
      for (const stream of await settledStreams(await create())) {
        const whole = contents((await chunkOf(stream, startPosition)).lines);
        const pieces: string[] = [];
        let position = startPosition;
        for (let more = true; more; ) {
          const step = await chunkOf(stream, position, { bytes: 1, lines: 1 });
          const rest = await chunkOf(stream, kept(position));
          expect(contents(rest.lines)).toEqual(whole.slice(position.line));
          pieces.push(...contents(step.lines));
          position = kept(step.next);
          more = step.more;
        }
        expect(pieces).toEqual(whole);
        expect((await chunkOf(stream, position)).lines).toEqual([]);
      }
    });

    it('derives its position from uploaded lines, if it is a record stream', async () => {
      for (const stream of await settledStreams(await create())) {
        if (stream.kind === 'lines') continue;
        const { lines, next } = await chunkOf(stream, startPosition);
        const shipped = lines.map(shippedLine);
        expect(stream.fold(startPosition, shipped)).toEqual(next);
        expect(() => stream.fold(startPosition, hostileLines)).not.toThrow();
        expect(stream.fold(startPosition, hostileLines).line).toBe(hostileLines.length);
      }
    });

    it('extracts only short facts from any row, without failing', async () => {
      for (const stream of await allStreams((await create()).watcher)) {
        let facts: SessionFacts = {};
        for (const line of hostileLines) {
          const before = facts;
          facts = stream.facts(line, before);
          expect(stream.facts(line, facts)).toEqual(facts);
          for (const fact of Object.values(facts)) {
            expect(String(fact).length).toBeLessThanOrEqual(500);
          }
        }
      }
    });

    it('returns the same facts object for a row that adds nothing', async () => {
      for (const stream of await allStreams((await create()).watcher)) {
        const facts: SessionFacts = { cwd: '/somewhere', named: 'Something' };
        expect(stream.facts(Buffer.from('{}\n'), facts)).toBe(facts);
      }
    });
  });
}

/** Rows as damage, other tools or an attacker may leave them. */
export const hostileLines: readonly Buffer[] = [
  '',
  '\n',
  '\r\n',
  'null\n',
  '[]\n',
  '{}\n',
  '{\n',
  '}\n',
  '"\n',
  '{"\n',
  '{"type"\n',
  '{"type":\n',
  '{"type":"user"\n',
  '{"type":"user",}\n',
  '{"cwd":5,"version":null,"gitBranch":{"a":[]},"timestamp":[],"message":"x","type":7}\n',
  '{"cwd":"","version":"","gitBranch":"","timestamp":"","type":""}\n',
  '{"cwd":"/a\\u0000b","version":"\\u001b[31m","gitBranch":"\\ud800","timestamp":"1e999"}\n',
  '{"cwd":"/a\u0000b","version":"\u001b[31m","gitBranch":"\u202e","timestamp":"2026-99-99T99:99"}\n',
  '{"cwd":"\\x","version":"\\u12","gitBranch":"\\","timestamp":"\n',
  '{"type":"assistant","message":{"model":"<synthetic>"}}\n',
  '{"type":"assistant","message":{"model":{"model":"x"}}}\n',
  '{"type":"custom-title","customTitle":["x"]}\n',
  '{"type":"custom-title","customTitle":"\\u0007\\u0007"}\n',
  '{"type":"tool-result","id":5}\n',
  '{"type":"tool-result","id":""}\n',
  '{"type":"tool-result"}\n',
  `{"type":"custom-title","customTitle":"${'😀'.repeat(2_000)}"}\n`,
  `{"type":"custom-title","customTitle":"${'x'.repeat(3 << 20)}"}\n`,
  `{"type":"summary","summary":"${'\\u001b'.repeat(3_000)}"}\n`,
  `{"cwd":"/${'x'.repeat(5_000)}","version":"${'9'.repeat(5_000)}","gitBranch":"${'b'.repeat(501)}"}\n`,
  `{"forkedFrom":{"sessionId":"${'y'.repeat(5_000)}"}}\n`,
  `${'{"message":'.repeat(20_000)}\n`,
  `${'['.repeat(200_000)}\n`,
  `{"a":"${'\\'.repeat(100_001)}\n`,
  `{"a":"b"${'\\"'.repeat(50_000)}}\n`,
  `${'{"cwd":"/x"}'.repeat(10)}\n`,
  '{"__proto__":{"cwd":"/x"},"constructor":"y","toString":1}\n',
]
  .map((text) => Buffer.from(text))
  .concat([
    Buffer.alloc(200_000),
    Buffer.from('7b22637764223a22ff fe80c3 28227d0a'.replaceAll(' ', ''), 'hex'),
    Buffer.concat([Buffer.from('{"cwd":"/x"}'), Buffer.alloc(9_000), Buffer.from('\n')]),
    Buffer.alloc(3_000, '"'),
    Buffer.alloc(3_000, '}'),
  ]);

export async function allStreams(watcher: Watcher): Promise<readonly Stream[]> {
  const streams: Stream[] = [];
  for await (const stream of streamsOf(watcher)) streams.push(stream);
  return streams;
}

export function contents(lines: readonly Line[]): readonly string[] {
  return lines.map((line) => shippedLine(line).toString('latin1'));
}

function shippedLine(line: Line): Buffer {
  return Buffer.isBuffer(line) ? line : line.seal(line.text);
}

async function settledStreams({ watcher, settle }: Specimen): Promise<readonly Stream[]> {
  const streams = await allStreams(watcher);
  for (const stream of streams) await stream.changed(undefined);
  await settle();
  return streams;
}

function kept(position: Position): Position {
  return JSON.parse(JSON.stringify(position)) as Position;
}

function isProperSegment(segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..';
}
