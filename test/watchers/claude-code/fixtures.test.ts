import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { nodeIo } from '../../../src/io.js';
import type { SessionFacts } from '../../../src/mirror/stream.js';
import { ClaudeCodeWatcher } from '../../../watchers/claude-code/watcher.js';
import { ManualClock } from '../../support/manual-clock.js';
import { allStreams } from '../contract.js';
import { upload } from '../reading.js';

const config = fileURLToPath(
  new URL('../../../shared/fixtures/harness/claude-code', import.meta.url),
);
const root = join(config, 'projects');
const isThere = existsSync(root);

type Row = Readonly<Record<string, unknown>>;

/** The real sample trees, if they lie beside the repository. */
describe.skipIf(!isThere)('real transcripts (skipped where ../shared is absent)', () => {
  const files = isThere
    ? readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
        path.endsWith('.jsonl'),
      )
    : [];
  const watcher = new ClaudeCodeWatcher({
    io: nodeIo,
    clock: new ManualClock(),
    env: { CLAUDE_CONFIG_DIR: config },
    home: '/nowhere',
  });

  it('are all found, sessions and sub-agents, but no journal', async () => {
    const expected = files.filter((path) => basename(path) !== 'journal.jsonl');
    expect(expected.length).toBeGreaterThanOrEqual(15);
    const streams = await allStreams(watcher);
    const sources = streams.map(({ source }) => source.slice(root.length + 1));
    expect(sources.sort()).toEqual(expected.sort());
    for (const { name, source, session } of streams) {
      expect(source).toContain(session.id);
      const isMain = basename(source) === `${session.id}.jsonl`;
      expect(name === '').toBe(isMain);
      if (!isMain) expect(name).toMatch(/^subagents\/(workflows\/[^/]+\/)?agent-[^/]+$/);
    }
  });

  it('are read byte for byte, piece by piece', async () => {
    for (const stream of await allStreams(watcher)) {
      const bytes = readFileSync(stream.source);
      const { lines } = await upload(stream, { bytes: 7_777 });
      const read = Buffer.concat(lines);
      expect(read.equals(bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1))).toBe(true);
    }
  });

  it('give the same facts as parsing every row', async () => {
    let told = 0;
    for (const stream of await allStreams(watcher)) {
      const { lines } = await upload(stream, { bytes: 1 << 20 });
      const facts = lines.reduce<SessionFacts>((before, line) => stream.facts(line, before), {});
      expect(facts, stream.source).toEqual(parsedFacts(lines, stream.name === ''));
      told += Object.keys(facts).length;
    }
    expect(told).toBeGreaterThan(60);
  });
});

/** The slow and plain way to the same answer. */
function parsedFacts(lines: readonly Buffer[], isMain: boolean): SessionFacts {
  const rows = lines.flatMap(parsed);
  const texts = (name: string, from: readonly Row[] = rows): string[] =>
    from.flatMap((row) => (typeof row[name] === 'string' && row[name] !== '' ? [row[name]] : []));
  const models = rows
    .filter((row) => row.isSidechain !== true)
    .flatMap((row) => (isRow(row.message) ? texts('model', [row.message]) : []))
    .filter((model) => model !== '<synthetic>');
  const startedAt = texts('timestamp')[0];
  const facts = {
    cwd: texts('cwd')[0],
    gitBranch: texts('gitBranch').at(-1),
    harnessVersion: texts('version').at(-1),
    startedAt: startedAt === undefined ? undefined : new Date(startedAt).toISOString(),
    ...(isMain ? { model: models.at(-1) } : {}),
  };
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined));
}

function parsed(line: Buffer): Row[] {
  try {
    const row: unknown = JSON.parse(line.toString('utf8'));
    return isRow(row) ? [row] : [];
  } catch {
    return [];
  }
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
