import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsedLine } from '../../src/conversation/outline.js';
import { UsageTable } from '../../src/mirror/index/usage-table.js';
import { addUsage, noUsage, type Usage } from '../../src/protocol/usage.js';
import { decodeSlots } from '../../src/protocol/usage-slots.js';
import snapshot from '../../src/usage/list-prices.json' with { type: 'json' };
import { Periods } from '../../src/usage/periods.js';
import { Prices } from '../../src/usage/prices.js';
import { usageReport } from '../../src/usage/report.js';
import {
  type FixtureStream,
  hasSharedFixtures,
  readFixtureStreams,
  sharedFolder,
} from '../support/fixture-streams.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { byDay, counted, type Rows, usageOf } from './counting.js';

interface Case {
  readonly case: string;
  readonly harness: string;
  readonly day_utc: string;
  readonly expected: Readonly<Record<string, number>>;
}

interface Expected {
  readonly harness: string;
  readonly fixture: string;
  readonly session: string;
  readonly stream: string;
  readonly usage?: { readonly own?: object; readonly inherited?: object } | null;
}

const oracle = <Content>(name: string): Content =>
  JSON.parse(readFileSync(join(sharedFolder, 'oracle', name), 'utf8'));
const cases = hasSharedFixtures ? oracle<{ cases: readonly Case[] }>('usage.json').cases : [];
const sessions = hasSharedFixtures
  ? oracle<{ sessions: readonly Expected[] }>('conversation.json').sessions
  : [];

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.jsonl'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function rowsOf(path: string): readonly unknown[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** By session, as the watchers name them. */
function sessionsBelow(root: string): ReadonlyMap<string, readonly Rows[]> {
  const found = new Map<string, Rows[]>();
  const add = (rows: Rows): void => {
    const key = `${rows.harness} ${rows.session}`;
    found.set(key, [...(found.get(key) ?? []), rows]);
  };
  const projects = join(root, '.claude/projects');
  for (const path of filesBelow(projects)) {
    const [, session = '', ...rest] = relative(projects, path).split('/');
    const stream = rest.join('/').replace(/\.jsonl$/, '');
    const rows = rowsOf(path);
    add({ harness: 'claude-code', session: basename(session, '.jsonl'), stream, rows });
  }
  for (const path of filesBelow(join(root, '.codex/sessions'))) {
    const session = basename(path, '.jsonl').slice(-36);
    add({ harness: 'codex', session, stream: '', rows: rowsOf(path) });
  }
  return found;
}

describe.skipIf(!hasSharedFixtures)(
  'the cases of the oracle (skipped where ../shared is absent)',
  () => {
    const prices = new Prices(snapshot);
    const days = new Map<string, Usage>();
    const costs = new Map<string, number>();
    let remove: () => Promise<void> = async () => undefined;

    beforeAll(async () => {
      const folder = await createTemporaryFolder();
      remove = folder.remove;
      const root = join(folder.path, 'tree');
      execFileSync('python3', [join(sharedFolder, 'tools/usage-cases.py'), root]);
      const tables = new Map<string, UsageTable>();
      for (const [key, streams] of sessionsBelow(root)) {
        const harness = key.split(' ')[0] ?? '';
        const table = tables.get(harness) ?? new UsageTable();
        tables.set(harness, table);
        const used = {
          slots: decodeSlots(usageOf(...streams).slots),
          ...{ uncountedLines: 0, reportedUsd: 0, isUncertain: false },
        };
        const unknown = { agent_id: null, host: null, cwd: null };
        const times = { started_at: null, last_uploaded_at: null };
        table.addRows([{ harness, session_id: key, ...unknown, ...times, used }]);
      }
      for (const [harness, table] of tables) {
        const period = { sinceMs: -Infinity, untilMs: Infinity, periods: new Periods('UTC') };
        const { rows } = usageReport(table, { by: 'day', ...period, prices });
        for (const { group, usage, listPrice } of rows) {
          days.set(`${harness} ${group}`, usage);
          costs.set(`${harness} ${group}`, listPrice ?? Number.NaN);
        }
      }
    });
    afterAll(() => remove());

    it.each(cases)('$case', ({ harness, day_utc: day, expected }) => {
      const { input, output, cacheRead, write5m, write1h, reasoning } =
        days.get(`${harness} ${day}`) ?? noUsage;
      const told: Readonly<Record<string, number>> = {
        input_uncached: input,
        output,
        cache_read: cacheRead,
        cache_write: write5m + write1h,
        reasoning_of_output: reasoning,
      };
      const { cost_usd: cost, ...counts } = expected;
      const same = Object.fromEntries(Object.keys(counts).map((name) => [name, told[name]]));
      expect(same).toEqual(counts);
      if (cost !== undefined) expect(costs.get(`${harness} ${day}`)).toBeCloseTo(cost, 9);
    });
  },
);

describe.skipIf(!hasSharedFixtures)(
  'the sessions of the oracle (skipped where ../shared is absent)',
  () => {
    let streams: readonly FixtureStream[] = [];

    beforeAll(async () => {
      streams = await readFixtureStreams();
    }, 60_000);

    /** Of forks whose rows do not say what was copied: the rows of their parent. */
    function parentOf(fork: FixtureStream): Pick<Rows, 'parentRowIds'> {
      if (fork.harness !== 'openclaw') return {};
      const others = streams.filter(
        ({ tree, session }) => tree === fork.tree && session !== fork.session,
      );
      const ids = others.flatMap(({ lines }) => lines.map((line) => JSON.parse(line)));
      return { parentRowIds: new Set(ids.map(({ event, id }) => event?.id ?? id)) };
    }

    /** By day and model where the oracle tells them, else all together. */
    function told(
      slots: Readonly<Record<string, string>> | undefined,
      expected: object | undefined,
    ) {
      const days = byDay(slots ?? {});
      const isByDay = Object.keys(expected ?? {}).some((name) => name.includes('-'));
      if (isByDay || expected === undefined) {
        return Object.fromEntries(
          Object.entries(days).map(([day, usage]) => [day, inWords(usage)]),
        );
      }
      const all = Object.values(days).reduce(addUsage, noUsage);
      const words = {
        ...inWords(all),
        input_uncached: all.input,
        reasoning_of_output: all.reasoning,
      };
      const whole: Record<string, number> = { ...words, cache_write: all.write5m + all.write1h };
      return Object.fromEntries(Object.keys(expected).map((name) => [name, whole[name]]));
    }

    function inWords({ calls, input, cacheRead, write5m, write1h, output }: Usage) {
      return {
        calls,
        input,
        cache_read: cacheRead,
        cache_write_5m: write5m,
        cache_write_1h: write1h,
        output,
      };
    }

    /** All sessions of a tree, each by its own lines alone, as `meta.json` counts them. */
    function totalOf(tree: string): Usage {
      const bySession = new Map<string, Rows[]>();
      for (const one of streams) {
        if (one.tree !== tree) continue;
        const { harness, session, stream } = one;
        const rows = one.lines.map(parsedLine);
        const read = { harness, session, stream, rows };
        bySession.set(session, [...(bySession.get(session) ?? []), read]);
      }
      const slots = [...bySession.values()].flatMap((some) =>
        Object.values(byDay(usageOf(...some).slots)),
      );
      return slots.reduce(addUsage, noUsage);
    }

    const { fixture_totals: totals } = hasSharedFixtures
      ? oracle<{ fixture_totals: Readonly<Record<string, Record<string, number>>> }>('usage.json')
      : { fixture_totals: {} };

    it.each([
      ['shared_claude', 'harness/claude-code', 0],
      // One of the 32 that the oracle counts is a total that starts anew at zero.
      ['shared_codex', 'harness/codex', 1],
      ['shared_openclaw', 'harness/openclaw', 0],
    ])('%s, all together', (name, tree, withoutTokens) => {
      const { calls, input, output, cached_of_input, reasoning_of_output, ...caches } =
        totals[name] ?? {};
      const total = totalOf(tree);
      expect(total.calls + withoutTokens).toBe(calls);
      expect(total.output).toBe(output);
      expect(total.input + (cached_of_input === undefined ? 0 : total.cacheRead)).toBe(input);
      expect(total.cacheRead).toBe(cached_of_input ?? caches.cache_read ?? 0);
      expect(total.write5m + total.write1h).toBe(caches.cache_write ?? 0);
      expect(total.reasoning).toBe(reasoning_of_output ?? 0);
    });

    it.each([
      ['pi', 'harness-more/pi/home/.pi/agent', { calls: 46, input: 76_780, output: 920 }],
      [
        'qwen-code',
        'harness-more/qwen-code/.qwen',
        { calls: 17, input: 20_308, cacheRead: 1_700, output: 578, reasoning: 8 },
      ],
      ['copilot', 'harness-more/copilot/home/.copilot', { calls: 23, input: 287_354, output: 460 }],
      [
        'kimi-code',
        'harness-more/kimi-code/.kimi-code',
        { calls: 9, input: 10_161, cacheRead: 900, output: 306 },
      ],
      [
        'gemini-cli',
        'harness-more/gemini-cli',
        { calls: 16, input: 18_220, cacheRead: 1_600, output: 624, reasoning: 80 },
      ],
      // Forks copied 8 of the 42 responses in its database.
      [
        'opencode',
        'harness-more/opencode/home/.local/share/opencode',
        { calls: 34, input: 263_630, output: 680 },
      ],
    ])('all of %s', (_harness, tree, expected) => {
      expect(totalOf(tree)).toEqual({ ...noUsage, ...expected });
    });

    it.each(sessions.filter(({ usage }) => usage))('$harness $session $stream', (expected) => {
      const tree = expected.fixture.startsWith('shared:') ? 'harness' : 'harness-2026-11';
      const { harness, session, stream, usage } = expected;
      const found = streams.find(
        (one) =>
          one.tree === `${tree}/${harness}` && one.session === session && one.stream === stream,
      );
      if (found === undefined) throw new Error('no such stream');
      const rows = found.lines.map((line) => JSON.parse(line));
      const one = { harness, session, stream, rows, ...parentOf(found) };
      const { slots, inherited } = usageOf(one);
      expect(told(slots, usage?.own)).toEqual(usage?.own);
      expect(told(inherited, usage?.inherited)).toEqual(usage?.inherited ?? {});
      expect(counted(one, [3, 7, 8]).usage).toEqual(counted(one).usage);
    });
  },
);
