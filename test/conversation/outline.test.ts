import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Conversation, entriesOf } from '../../src/conversation/conversation.js';
import type { Outline } from '../../src/conversation/outline.js';
import { titleText } from '../../src/conversation/titles.js';
import { readerOf, readers } from '../../watchers/readers.js';
import { hasSharedFixtures, readFixtureStreams } from '../support/fixture-streams.js';
import {
  answerItem,
  ClaudeRows,
  hermesMessage,
  hermesSession,
  lines,
  samples,
  thread,
  userEvent,
  userItem,
} from './sample-rows.js';

interface Stream {
  readonly harness: string;
  readonly session: string;
  readonly stream: string;
  readonly lines: readonly string[];
}

function conversationOf({ harness, lines: texts, ...place }: Stream): Conversation {
  const fold = readerOf(harness)?.open(place);
  if (fold === undefined) throw new Error(`no reader for ${harness}`);
  for (const [line, text] of texts.entries()) fold.row(text, line);
  return fold.state();
}

/** Kept up row by row; at each of `stops` it is put away as text and taken up again. */
function outlineOf({ harness, lines: texts, ...place }: Stream, stops: readonly number[]): Outline {
  const reader = readerOf(harness);
  let fold = reader?.outline(place);
  for (const [line, text] of texts.entries()) {
    if (stops.includes(line))
      fold = reader?.outline(place, JSON.parse(JSON.stringify(fold?.state())));
    fold?.row(text, line);
  }
  if (fold === undefined) throw new Error('no outline');
  return fold.outline();
}

function parsedRow(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** The newest time that any row tells, as every harness spells it. */
function newest({ harness, lines: texts }: Stream): number | undefined {
  const times = texts.flatMap((text): number[] => {
    const { timestamp, time } = parsedRow(text);
    if (harness === 'opencode') {
      const { table, time_created: created } = parsedRow(text);
      return table !== 'session' && typeof created === 'number' ? [created] : [];
    }
    if (harness === 'kimi-code') return typeof time === 'number' ? [time] : [];
    const ms =
      harness === 'hermes' ? Math.round(Number(timestamp) * 1000) : Date.parse(String(timestamp));
    return Number.isNaN(ms) ? [] : [ms];
  });
  return times.length === 0 ? undefined : Math.max(...times);
}

/** What an outline should say of a stream. */
function expected(stream: Stream): Partial<Outline> {
  const conversation = conversationOf(stream);
  const lastAtMs = newest(stream);
  const { title, turns, isSubagent, spawnedBy, forkedFrom, rows } = conversation;
  const begun = turns.filter(({ origin }) => origin !== 'none');
  const prompts = entriesOf(conversation).filter((entry) => entry.kind === 'prompt');
  const own = prompts.filter(({ isInherited }) => isInherited !== true);
  const last = own.map(({ text }) => titleText(text)).findLast((text) => text !== '');
  return {
    rows,
    ...(title === undefined ? {} : { title }),
    ...(last === undefined ? {} : { lastPrompt: last.slice(0, 300) }),
    prompts: own.length,
    turns: begun.filter(({ isInherited }) => !isInherited).length,
    inheritedTurns: begun.filter(({ isInherited }) => isInherited).length,
    turnStarts: begun
      .map(({ entries }) => entries[0]?.rows[0] ?? -1)
      .sort((left, right) => left - right)
      .slice(-64),
    ...(lastAtMs === undefined ? {} : { lastAtMs }),
    isSubagent,
    ...(spawnedBy === undefined ? {} : { spawnedBy }),
    ...(forkedFrom === undefined ? {} : { forkedFrom }),
  };
}

function sampleOf(harness: string): Stream {
  const session = '5e55e55e-0000-4000-8000-00000000c0de';
  return { harness, session, stream: '', lines: samples[harness] ?? [] };
}

describe.each(readers.map(({ harness }) => harness))('the outline of %s', (harness) => {
  const whole = sampleOf(harness);
  const cut = fc.nat(whole.lines.length);

  it('summarises the conversation', () => {
    fc.assert(
      fc.property(cut, (end) => {
        const stream = { ...whole, lines: whole.lines.slice(0, end) };
        expect(outlineOf(stream, [])).toEqual(expected(stream));
      }),
      { numRuns: 40 },
    );
  });

  it('resumes from a saved state', () => {
    fc.assert(
      fc.property(fc.array(cut, { maxLength: 4 }), (stops) => {
        expect(outlineOf(whole, stops)).toEqual(outlineOf(whole, []));
      }),
      { numRuns: 40 },
    );
  });

  it('does not resume from anything else', () => {
    const reader = readerOf(harness);
    const place = { session: 's', stream: '' };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(reader?.outline(place, value)).toBeUndefined();
      }),
    );
    const state = JSON.parse(JSON.stringify(reader?.outline(place)?.state()));
    expect(reader?.outline(place, { ...state, counter: { own: 'x' } })).toBeUndefined();
  });

  it('accepts any row', () => {
    const any = fc.array(fc.oneof(fc.json(), fc.string(), fc.constantFrom(...whole.lines)));
    fc.assert(
      fc.property(any, (texts) => {
        const outline = outlineOf({ ...whole, lines: texts }, [2]);
        expect(outline.rows).toBe(texts.length);
      }),
    );
  });
});

describe('an outline', () => {
  it('uses a summary of this session, before or after the row it is about', () => {
    const after = new ClaudeRows();
    after.note('summary', { summary: 'Said', leafUuid: after.user('go') });
    const before = new ClaudeRows();
    before.note('summary', { summary: 'Theirs', leafUuid: 'elsewhere' });
    before.note('summary', { summary: 'To be said', leafUuid: 'row-1' });
    before.user('go');
    const titles = [after, before].map(({ rows, session }) => {
      const stream = { harness: 'claude-code', session, stream: '', lines: lines(rows) };
      expect(outlineOf(stream, [1])).toEqual(expected(stream));
      return outlineOf(stream, []).title;
    });
    expect(titles).toEqual(['Said', 'To be said']);
  });

  it('does not mistake text that Codex sends in the user’s name for a prompt', () => {
    const rows = [
      userItem('You may not use the network.'),
      answerItem('I see.'),
      userEvent('go'),
      userItem('go'),
      answerItem('Done.'),
      userItem('on its way'),
    ];
    const stream = { harness: 'codex', session: thread, stream: '', lines: lines(rows) };
    expect(outlineOf(stream, [1, 3])).toEqual(expected(stream));
    expect(outlineOf(stream, [])).toMatchObject({ prompts: 2, turnStarts: [2, 5], title: 'go' });
  });
});

describe('the state of an outline', () => {
  it('drops a title that was taken back', () => {
    const fold = readerOf('hermes')?.outline({ session: 's', stream: '' });
    const [named = '', nameless = ''] = lines([hermesSession({ title: 'x' }), hermesSession()]);
    fold?.row(named, 0);
    expect(fold?.outline().title).toBe('x');
    fold?.row(nameless, 1);
    expect(fold?.outline().title).toBeUndefined();
  });

  it('stays small, however long the session', () => {
    const claude = new ClaudeRows();
    for (let turn = 0; turn < 500; turn += 1) claude.user(`prompt ${turn} ${'x'.repeat(2_000)}`);
    const codex = Array.from({ length: 500 }, (_, turn) =>
      userItem(`${turn} ${'x'.repeat(2_000)}`),
    );
    const hermes = Array.from({ length: 500 }, (_, turn) =>
      hermesMessage(turn, 'user', `${turn} ${'x'.repeat(2_000)}`),
    );
    const sizes = [
      { harness: 'claude-code', rows: claude.rows },
      { harness: 'codex', rows: codex },
      { harness: 'hermes', rows: hermes },
    ].map(({ harness, rows }) => {
      const fold = readerOf(harness)?.outline({ session: claude.session, stream: '' });
      for (const [line, text] of lines(rows).entries()) fold?.row(text, line);
      expect(fold?.outline()).toMatchObject({ prompts: 500, turnStarts: { length: 64 } });
      return JSON.stringify(fold?.state()).length;
    });
    const [claudeSize = 0, codexSize = 0, hermesSize = 0] = sizes;
    expect(claudeSize).toBeLessThan(8_000);
    expect(codexSize).toBeLessThan(24_000);
    expect(hermesSize).toBeLessThan(100_000);
  });
});

describe.skipIf(!hasSharedFixtures)(
  'outlines of fixtures (skipped where ../shared is absent)',
  () => {
    it('match their conversations, even when saved in between', async () => {
      for (const stream of await readFixtureStreams()) {
        const place = { ...stream, name: `${stream.tree} ${stream.session} ${stream.stream}` };
        const stops = [1, 2, 7, 11, 40].filter((stop) => stop < stream.lines.length);
        const { harness, session, stream: name, lines: texts } = stream;
        const one = { harness, session, stream: name, lines: texts };
        expect({ of: place.name, ...outlineOf(one, stops) }).toEqual({
          of: place.name,
          ...expected(one),
        });
      }
    });
  },
);
