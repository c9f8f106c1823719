import { existsSync } from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TracecraftError } from '../../../src/errors.js';
import { nodeIo } from '../../../src/io.js';
import type { SessionFacts, Stream } from '../../../src/mirror/stream.js';
import { OpenClawWatcher } from '../../../watchers/openclaw/watcher.js';
import { ManualClock } from '../../support/manual-clock.js';
import { MirrorRig } from '../../support/mirror-rig.js';
import { createTemporaryFolder } from '../../support/temporary-folder.js';
import { allStreams } from '../contract.js';
import { chunkOf, plainLines } from '../reading.js';

const harnesses = fileURLToPath(new URL('../../../shared/fixtures/harness', import.meta.url));
const main = '806157b9-737f-466e-87ce-0122ae69d8df';
const forked = '70014f7c-f387-4ea2-8c0c-39b51bc350f4';
const deleted = 'd457f29c-e0c9-444e-8125-2b968d5ffb69';

/** Trees that OpenClaw itself wrote; a run without them says so by skipping. */
describe.skipIf(!existsSync(harnesses))('real trees of OpenClaw', () => {
  let folder: string;
  let remove: () => Promise<void>;
  const told: TracecraftError[] = [];

  beforeEach(async () => {
    ({ path: folder, remove } = await createTemporaryFolder());
    told.length = 0;
  });

  afterEach(() => remove());

  async function streamsOf(...below: readonly string[]): Promise<ReadonlyMap<string, Stream>> {
    const state = join(folder, below.join('-'));
    await cp(join(harnesses, ...below), state, { recursive: true });
    const watcher = new OpenClawWatcher({
      io: nodeIo,
      clock: new ManualClock(),
      env: { OPENCLAW_STATE_DIR: state },
      home: folder,
      onUnreadable: (error) => told.push(error),
    });
    const streams = await allStreams(watcher);
    expect(told).toEqual([]);
    return new Map(streams.map((one) => [`${one.session.id} ${one.name}`, one]));
  }

  async function textsOf(stream: Stream | undefined): Promise<readonly string[]> {
    if (stream === undefined) throw new Error('not found');
    return plainLines(await chunkOf(stream)).map((line) => line.toString());
  }

  async function factsOf(stream: Stream | undefined): Promise<SessionFacts> {
    if (stream === undefined) throw new Error('not found');
    const lines = plainLines(await chunkOf(stream));
    return lines.reduce((facts: SessionFacts, line) => stream.facts(line, facts), {});
  }

  it('from releases with files: a session, one that was reset with its backup, and a deleted one', async () => {
    const streams = await streamsOf('openclaw-legacy');
    const counts = new Map<string, number>();
    for (const [name, stream] of streams) counts.set(name, (await textsOf(stream)).length);
    expect(Object.fromEntries(counts)).toEqual({
      '42d0d6be-9e2a-4936-9cbe-27a8c867a7b7 ': 6,
      '5e45304c-08cb-42b8-91f3-edf1d885ec44 ': 6,
      '89ffc67b-fbe0-489d-92c9-2985f69ecd0d ': 8,
      '89ffc67b-fbe0-489d-92c9-2985f69ecd0d backups/2026-11-22T06-17-42.689Z': 16,
    });
    expect(await factsOf(streams.get('89ffc67b-fbe0-489d-92c9-2985f69ecd0d '))).toEqual({
      cwd: '/home/u/proj',
      startedAt: '2026-11-22T06:15:56.686Z',
      endedAt: '2026-11-22T06:17:47.768Z',
      model: 'mock-model',
    });
  });

  it('from releases with databases: every event, packed ones included', async () => {
    const streams = await streamsOf('openclaw');
    expect([...streams.keys()].sort()).toEqual([`${forked} `, `${main} `, `${deleted} `].sort());
    const lines = await textsOf(streams.get(`${main} `));
    expect(lines.length).toBe(12);
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
    // One tool result of 23,927 bytes, which the database holds in 962.
    expect(Buffer.byteLength(lines[2] ?? '')).toBe(23_927 + 1);
    expect(await textsOf(streams.get(`${forked} `))).toContain(lines[2]);
    expect(await factsOf(streams.get(`${main} `))).toMatchObject({
      named: 'Folder tour',
      model: 'mock-model',
      cwd: '/home/u/proj',
    });
    expect((await factsOf(streams.get(`${forked} `))).parentSessionId).toBe(main);
  });

  it('before and after a deletion and a rewrite', async () => {
    const before = await streamsOf('openclaw', 'before-truncation');
    const after = await streamsOf('openclaw');
    expect(await textsOf(after.get(`${deleted} `))).toEqual(
      await textsOf(before.get(`${deleted} `)),
    );
    const original = before.get(`${main} `);
    const rewritten = after.get(`${main} `);
    if (original === undefined || rewritten === undefined) throw new Error('not found');
    const { next } = await chunkOf(original, undefined, { bytes: 1e6, lines: 3 });
    expect(await rewritten.read(next, { bytes: 1 })).toBe('moved');
  });

  it.each(['openclaw', 'openclaw-legacy'])(
    'are mirrored completely, and nothing is left next to them (%s)',
    async (tree) => {
      const rig = await MirrorRig.create();
      try {
        const state = join(rig.tree.home, '.openclaw');
        await cp(join(harnesses, tree), state, { recursive: true });
        const before = await readdir(state, { recursive: true });
        const run = rig.once();
        expect((await run.ended).behind).toEqual([]);
        expect(run.troubles).toEqual([]);
        const verdicts = [...(await rig.verdicts()).values()];
        expect(verdicts.length).toBeGreaterThan(2);
        for (const verdict of verdicts)
          expect(verdict).toMatchObject({ state: 'ok', problem: null });
        expect((await readdir(state, { recursive: true })).sort()).toEqual(before.sort());
      } finally {
        await rig.remove();
      }
    },
  );

  it('contains as many transcripts as there are files of that kind', async () => {
    const files = await readdir(join(harnesses, 'openclaw-legacy', 'agents', 'main', 'sessions'));
    const transcripts = files.filter((name) => /\.jsonl(\.|$)/.test(name));
    const diagnostics = transcripts.filter((name) => name.includes('.trajectory.'));
    const streams = await streamsOf('openclaw-legacy');
    expect(streams.size).toBe(transcripts.length - diagnostics.length);
  });
});
