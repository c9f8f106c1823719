import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { nodeIo } from '../../../src/io.js';
import type { SessionFacts, Stream } from '../../../src/mirror/stream.js';
import { CodexWatcher } from '../../../watchers/codex/watcher.js';
import { ManualClock } from '../../support/manual-clock.js';
import { allStreams } from '../contract.js';
import { upload } from '../reading.js';

const home = fileURLToPath(new URL('../../../shared/fixtures/harness/codex', import.meta.url));
const isThere = existsSync(home);

interface Meta {
  readonly id: string;
  readonly cwd: string;
  readonly cli_version: string;
  readonly forked_from_id?: string;
  readonly parent_thread_id?: string;
}

/** The real sample trees, if they lie beside the repository. */
describe.skipIf(!isThere)('real rollouts (skipped where ../shared is absent)', () => {
  const files = isThere
    ? readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((path) =>
        basename(path).startsWith('rollout-'),
      )
    : [];
  const watcher = new CodexWatcher({
    io: nodeIo,
    clock: new ManualClock(),
    env: { CODEX_HOME: home },
    home: '/nowhere',
  });

  async function factsOf(stream: Stream): Promise<SessionFacts> {
    const { lines } = await upload(stream, { bytes: 1 << 20 });
    return lines.reduce<SessionFacts>((facts, line) => stream.facts(line, facts), {});
  }

  it('are all found, each as the main stream of its own thread', async () => {
    expect(files.length).toBeGreaterThanOrEqual(18);
    const streams = await allStreams(watcher);
    expect(streams.map(({ source }) => source).sort()).toEqual(
      files.map((file) => join(home, file)).sort(),
    );
    expect(streams.every(({ name }) => name === '')).toBe(true);
    expect(new Set(streams.map(({ session }) => session.id)).size).toBe(streams.length);
  });

  it('are read byte for byte, piece by piece', async () => {
    for (const stream of await allStreams(watcher)) {
      const bytes = readFileSync(stream.source);
      const { lines } = await upload(stream, { bytes: 7_777 });
      const end = bytes.lastIndexOf(0x0a) + 1;
      expect(Buffer.concat(lines).equals(bytes.subarray(0, end))).toBe(true);
    }
  });

  it('have the facts of their first row', async () => {
    for (const stream of await allStreams(watcher)) {
      const [first = ''] = readFileSync(stream.source, 'utf8').split('\n', 1);
      const { payload }: { readonly payload: Meta } = JSON.parse(first);
      const facts = await factsOf(stream);
      expect(stream.session.id).toBe(payload.id);
      expect(facts.cwd).toBe(payload.cwd);
      expect(facts.harnessVersion).toBe(payload.cli_version);
      expect(facts.parentSessionId).toBe(payload.forked_from_id ?? payload.parent_thread_id);
      expect(facts.startedAt).toMatch(/^202[56]-/);
      if (stream.source.includes('2026-11-22')) {
        expect(facts).toMatchObject({ model: 'mock-model', gitBranch: 'main' });
      }
    }
  });

  it('have the names that users gave them', async () => {
    const [entry = ''] = readFileSync(join(home, 'session_index.jsonl'), 'utf8').split('\n', 1);
    const { id, thread_name: name }: Record<string, string> = JSON.parse(entry);
    const streams = await allStreams(watcher);
    const stream = streams.find(({ session }) => session.id === id);
    expect(stream && (await factsOf(stream)).named).toBe(name);
  });
});
