import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import * as v from 'valibot';
import { describe, expect, it, vi } from 'vitest';
import type { Overview } from '../../src/app/overview.js';
import { AlternateScreen } from '../../src/cli/alternate-screen.js';
import { conversationLines } from '../../src/cli/conversation-lines.js';
import { mailLines } from '../../src/cli/mail-lines.js';
import { tallyLine } from '../../src/cli/once-output.js';
import { overviewLines } from '../../src/cli/overview-lines.js';
import { OverviewScreen } from '../../src/cli/overview-screen.js';
import { graphLines } from '../../src/cli/plan-lines.js';
import { startProgress } from '../../src/cli/progress.js';
import { proseLines } from '../../src/cli/prose.js';
import { stepLines } from '../../src/cli/step-rows.js';
import type { StepView } from '../../src/coordination/claims/steps.js';
import type { Mail } from '../../src/coordination/mail/mailbox.js';
import type { BoardStep } from '../../src/coordination/plan/board.js';
import { livingAgentSchema } from '../../src/protocol/coordination.js';
import { plannedStepSchema } from '../../src/protocol/plan.js';
import { readerOf } from '../../watchers/readers.js';
import { ClaudeRows, lines } from '../conversation/sample-rows.js';

const now = new Date('2026-11-30T12:00:00Z');
const widths = [120, 80, 60, 40];
const endless = Number.POSITIVE_INFINITY;

const noStep: StepView = {
  step: '',
  status: 'pending',
  agent: null,
  session_id: null,
  epoch: 1,
  claimed_at: null,
  completed_at: null,
  ttl_s: null,
  last_sign_of_life: null,
  expired: false,
  note: null,
};
const steps: readonly StepView[] = [
  {
    ...noStep,
    step: 'prune-the-roses-along-the-southern-wall',
    status: 'complete',
    agent: 'gardener-of-the-morning',
    claimed_at: '2026-11-30T09:00:00Z',
    completed_at: '2026-11-30T11:00:00Z',
    note: 'All cut back to three buds; バラの枝は堆肥の山に。The shears are in the shed, sharpened',
  },
  {
    ...noStep,
    step: 'water',
    status: 'in_progress',
    agent: 'night',
    claimed_at: '2026-11-30T11:58:47Z',
    last_sign_of_life: '2026-11-30T11:59:02Z',
    ttl_s: 7_200,
  },
  { ...noStep, step: 'mow', status: 'blocked', agent: 'night', note: 'no \u001b[31mpetrol' },
];

const board: readonly BoardStep[] = steps.map((view, at) => ({
  step: view.step,
  planned: {
    ...v.parse(plannedStepSchema, {}),
    needs: at === 0 ? [] : ['prune-the-roses-along-the-southern-wall'],
    title: 'Before the first frost, and never in the rain whatever the almanac may say about it',
  },
  view,
  unmet: [],
  blockedBy: undefined,
  isReady: false,
}));

function mail(message: string): Mail {
  const about = { kind: 'direct', from: 'night', sentAt: '2026-11-30T11:00:00.000Z' } as const;
  return { key: '', id: '1', step: null, replyTo: null, asksForAck: false, message, ...about };
}
const letters = [
  mail(
    'The hose is split near the tap: please bring tape before six. 水やりはそれまで待っています、よろしくお願いします。',
  ),
  mail(`https://garden.example/${'beds/'.repeat(12)}`),
  mail('Fine'),
];

const overview: Overview = {
  bucket: '/home/alex/.tracecraft/bucket',
  project: 'garden',
  agent: 'night',
  source: { destination: '/home/alex/.tracecraft/config.json', agent: 'TRACECRAFT_AGENT' },
  agents: [
    {
      id: 'gardener-of-the-morning',
      status: 'active',
      modified_at: '2026-11-30T11:59:00Z',
      summary: 'Looks after the roses and everything else that has thorns on it',
    },
    { id: 'night', status: 'idle', modified_at: '2026-11-30T11:00:00Z', summary: null },
  ].map(({ modified_at, ...agent }) => ({ ...v.parse(livingAgentSchema, agent), modified_at })),
  steps,
  mailboxes: [{ agent: 'night', unread: { direct: 2, broadcast: 1 } }],
  sessions: [
    ['8b418ea5', 'Fix the watering plan for beds that lie in the shade until noon'],
    ['d4e1aa02', '日本語のタイトル、とても長いので切られるはずです。まだまだ続きます'],
  ].map(([short = '', title = '']) => ({
    harness: 'claude-code',
    session_id: short,
    short_id: short,
    title,
    last_uploaded_at: '2026-11-30T11:50:00Z',
    ended_at: null,
    total_lines: 1_204,
    tokens: 1_250_000,
    behind_bytes: 0,
  })),
  session_count: 402,
  watch: null,
  at: now.toISOString(),
};

function conversation() {
  const rows = new ClaudeRows();
  rows.user('Water the beds');
  const command = `water --bed ${'rose '.repeat(30)}&& water --bed 菊菊菊菊菊菊菊菊`;
  rows.call('m1', 't1', 'Bash', { command });
  rows.result('t1', 'no', {}, { is_error: true });
  rows.call('m2', 't2', 'Read', { file_path: 'plan.md' });
  rows.assistant('m3', [{ type: 'text', text: 'Done, **all** of it.' }]);
  const fold = readerOf('claude-code')?.open({ session: rows.session, stream: '' });
  if (fold === undefined) throw new Error('no reader');
  for (const [at, line] of lines(rows.rows).entries()) fold.row(String(line).trimEnd(), at);
  return fold.state().turns;
}

const turns = conversation();
const screens: Readonly<Record<string, (width: number) => readonly string[]>> = {
  steps: (width) => stepLines(steps, now, width),
  'steps-graph': (width) => graphLines(board, width),
  inbox: (width) => letters.flatMap((letter) => mailLines(letter, width)),
  status: (width) => overviewLines(overview, width),
  'session-show': (width) =>
    [...conversationLines({ turns, thinking: false, calls: false, all: false, width })].map(
      ({ text }) => text.replace(/\d{4}-\d\d-\d\d \d\d:\d\d/, '<time>'),
    ),
};

describe.each(Object.entries(screens))('%s', (name, linesAt) => {
  it.each(widths)('fits %d columns', async (width) => {
    const shown = linesAt(width);
    expect(shown.filter((line) => stringWidth(line) > width)).toEqual([]);
    expect(shown.join('')).not.toContain('\u001b');
    await expect(`${shown.join('\n')}\n`).toMatchFileSnapshot(`screens/${name}-${width}.txt`);
  });

  it('is cut nowhere but at a terminal', () => {
    expect(linesAt(endless).join('')).not.toContain('…');
  });
});

describe('watch --once', () => {
  it.each(widths)('draws a bar that fits %d columns, even a little narrower ones', (columns) => {
    let nowMs = 0;
    const clock = { now: () => nowMs, monotonic: () => nowMs, sleep: async () => undefined };
    const written: string[] = [];
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns });
    stream.on('data', (chunk: Buffer) => written.push(String(chunk)));
    const bytes = 900 * 1024 ** 2;
    const options = { label: 'Mirroring', total: bytes, unit: 'bytes', stream, clock } as const;
    const progress = startProgress(options);
    nowMs = 2_000;
    progress.update(bytes / 3);
    return new Promise<void>((resolve) => {
      stream.on('data', () => {
        const shown = stripVTControlCharacters(written.join('\r')).split(/[\r\n]/);
        const bar = shown.find((one) => one.includes('%'));
        if (bar === undefined) return;
        progress.stop();
        expect(stringWidth(bar.trimEnd())).toBeLessThanOrEqual(columns - 6);
        resolve();
      });
    });
  });

  it('draws its bar anew when the terminal becomes narrower, and leaves no piece of the old one', async () => {
    let nowMs = 0;
    const clock = { now: () => nowMs, monotonic: () => nowMs, sleep: async () => undefined };
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
    const written: string[] = [];
    stream.on('data', (chunk: Buffer) => written.push(String(chunk)));
    const options = { label: 'Mirroring', total: 100, unit: 'items', stream, clock } as const;
    const progress = startProgress(options);
    nowMs = 2_000;
    progress.update(50);
    await vi.waitFor(() => expect(written.join('')).toContain('%'));
    written.length = 0;
    stream.columns = 40;
    stream.emit('resize');
    await vi.waitFor(() => expect(written.join('')).toContain('%'));
    progress.stop();
    // The old line took two rows of 40 columns.
    const [, after = ''] = written.join('').split('\u001b[1A\r\u001b[J');
    const [bar = ''] = /Mirroring .*50 %/.exec(stripVTControlCharacters(after)) ?? [];
    expect(stringWidth(bar)).toBeGreaterThan(0);
    expect(stringWidth(bar)).toBeLessThanOrEqual(34);
    expect(stream.listenerCount('resize')).toBe(0);
  });

  it('ends with a tally', () => {
    const redactions = { 'github-token': 3, jwt: 1 };
    const tally = { sessions: 400, lines: 1_204_331, bytes: 631 * 1024, redactions };
    expect(tallyLine(tally, 27_000)).toBe(
      'Sent 400 sessions: 1,204,331 lines, 631 KiB in 27s. Redacted: 3 github-token, 1 jwt.',
    );
  });
});

describe('status --watch', () => {
  it.each(widths)('redraws in place at %d columns, and scrolls nothing', (columns) => {
    let written = '';
    const stream = Object.assign(new PassThrough(), { columns, rows: 10 });
    stream.on('data', (chunk: Buffer) => {
      written += String(chunk);
    });
    const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const page = new OverviewScreen(new AlternateScreen(stream));
    page.open();
    page.show(overview, []);
    const rows = stripVTControlCharacters(written).split('\n');
    expect(rows).toHaveLength(10);
    expect(rows.filter((row) => stringWidth(row) >= columns)).toEqual([]);
    expect(rows.at(-1)).toBe('…');
    page.fail('the store is away');
    expect(stripVTControlCharacters(written)).toContain('! the store is away');
    expect(printed).not.toHaveBeenCalled();
    page.close();
    const last = printed.mock.calls.map(([line]) => String(line).trimEnd());
    printed.mockRestore();
    expect(last).toEqual(['! the store is away', ...overviewLines(overview, columns - 1)]);
  });
});

describe('a narrow terminal', () => {
  it.each(widths)('truncates no name at %d columns', (width) => {
    const texts = [
      stepLines(steps, now, width),
      graphLines(board, width),
      overviewLines(overview, width),
    ].map((lines) => lines.map((line) => line.trim()).join(''));
    for (const text of texts) expect(text).toContain('prune-the-roses-along-the-southern-wall');
    expect(texts[2]).toContain('gardener-of-the-morning');
    expect(texts[2]).toContain('claude-code/8b418ea5');
  });

  it('breaks a name that is wider than the terminal, and leaves nothing out', () => {
    const long = 'a-step-with-a-name-of-more-than-forty-characters';
    const lines = stepLines([{ ...noStep, step: long, status: 'blocked' }], now, 40);
    expect(lines.filter((line) => stringWidth(line) > 40)).toEqual([]);
    expect(lines.map((line) => line.trim()).join('')).toBe(`${long}blocked`);
  });
});

describe('a sentence', () => {
  it('is broken between words, and what is wider than the terminal is left whole', () => {
    const path = `/srv/${'very-long/'.repeat(6)}file.jsonl`;
    expect(proseLines(`Mirroring 3 sessions to ${path} (default).`, 40)).toEqual([
      'Mirroring 3 sessions to',
      `  ${path}`,
      '  (default).',
    ]);
    expect(proseLines('日本語 日本語 日本語', 14)).toEqual(['日本語 日本語', '  日本語']);
    expect(proseLines('as it is', Number.POSITIVE_INFINITY)).toEqual(['as it is']);
  });
});
