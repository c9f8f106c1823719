import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WatchOutput } from '../../src/app/mirroring.js';
import { AlternateScreen } from '../../src/cli/alternate-screen.js';
import { panelOutput } from '../../src/cli/watch-panel.js';
import { UnreachableError } from '../../src/errors.js';
import type { ShippedPart } from '../../src/mirror/checkpoint.js';
import type { SessionSketch } from '../../src/mirror/meta/session-mirror.js';

const minuteMs = 60_000;
const startMs = Date.parse('2026-11-30T12:00:00Z');
const taken = {
  sessions: 41,
  streams: 60,
  bytes: 5_000_000,
  leftSessions: 3,
  leftBytes: 10,
  leftElsewhere: 0,
  ids: [],
};

function screenOf(columns: number, rows: number) {
  const drawn: (readonly string[])[] = [];
  const calls: string[] = [];
  return {
    calls,
    last: () => drawn.at(-1) ?? [],
    screen: {
      size: { columns, rows },
      open: () => void calls.push('open'),
      draw: (lines: readonly string[]) => void drawn.push(lines),
      close: () => void calls.push('close'),
    },
  };
}

function part(endLine: number, lines: number, redactions = {}): ShippedPart {
  return {
    sequence: 0,
    generation: 0,
    startLine: endLine - lines,
    endLine,
    sourceBytes: 900,
    uploadedBytes: 1_000,
    fingerprint: '',
    redactions,
    uploadedAtMs: 0,
  };
}

function place(
  id: string,
  name = '',
  told: Partial<SessionSketch> = {},
): Parameters<WatchOutput['part']>[0] {
  const sketch = { cwd: undefined, title: undefined, lastRowMs: undefined, ...told };
  const session = { ref: { harness: 'claude-code', id }, sketch: () => sketch };
  return { session, name } as Parameters<WatchOutput['part']>[0];
}

const first = '8b418ea5-895d-4ad5-abe8-4489d36e454f';
const second = '22c5d52e-0000-4000-8000-000000000001';

function busy(output: WatchOutput): void {
  output.note('laptop mirrors into default too, last started at 2026-11-29T10:00:00Z');
  output.taken(taken, '/home/me/.tracecraft/bucket (default)');
  const told = {
    title: 'Fix the checkout total',
    cwd: '/home/me/work/shop',
    lastRowMs: Date.parse('2026-11-30T11:58:00Z'),
  };
  output.part(place(first, '', told), part(12, 12, { 'aws-access-key': 2 }));
  output.part(place(first, 'subagents/agent-1', told), part(5, 5));
  output.part(
    place(second, '', { cwd: '/srv/a', title: 'évaluer 結帳合計 \u001b[2J' }),
    part(40, 3),
  );
}

let printed = '';
beforeEach(() => {
  printed = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      printed += String(chunk);
      return true;
    });
  }
});
afterEach(() => vi.restoreAllMocks());

describe('the panel of a watch', () => {
  it.each([
    [120, 24],
    [80, 24],
    [60, 12],
    [40, 10],
  ])('fits a terminal of %i columns and %i rows', (columns, rows) => {
    const { screen, last } = screenOf(columns, rows);
    busy(panelOutput(screen, () => startMs));
    expect(last().length).toBeLessThanOrEqual(rows);
    expect(`\n${last().join('\n')}\n`).toMatchSnapshot();
  });

  it('names a session as soon as a part tells what it is about', () => {
    const { screen, last } = screenOf(80, 12);
    const output = panelOutput(screen, () => startMs);
    output.taken(taken, 'here');
    output.part(place(first), part(1, 1));
    expect(last().join('\n')).toContain('(no prompt yet)');
    output.part(place(first, '', { title: 'Fix the checkout total' }), part(2, 1));
    expect(last().join('\n')).toContain('Fix the checkout total');
    output.part(place(first), part(3, 1));
    expect(last().join('\n')).toContain('Fix the checkout total');
  });

  it('shows the newest sessions that fit, and counts the rest', () => {
    const { screen, last } = screenOf(80, 12);
    let nowMs = startMs;
    const output = panelOutput(screen, () => nowMs);
    output.taken(taken, 'here');
    for (let at = 0; at < 30; at += 1) {
      nowMs = startMs + at * minuteMs;
      output.part(place(`${String(at).padStart(8, '0')}-x`), part(1, 1));
    }
    const rows = last().filter((line) => line.includes('claude-code'));
    expect(rows[0]).toMatch(/^now .*00000029$/);
    expect(rows[1]).toMatch(/^1m ago .*00000028$/);
    expect(last()).toContain(`and ${30 - rows.length} more sessions`);
    expect(last().length).toBeLessThanOrEqual(12);
  });

  it('shows what is wrong until it is right again, and prints it when it closes', () => {
    const { screen, last, calls } = screenOf(100, 24);
    const output = panelOutput(screen, () => startMs);
    output.taken(taken, 'here');
    expect(last()).toContain('Waiting for an agent to write something.');
    output.trouble(new UnreachableError('the store is away\u0007'), 'It is tried again.');
    expect(last().at(-2)).toMatch(/^! the store is away.+It is tried again\.$/);
    expect(last().join('')).not.toContain('\u0007');
    output.well();
    expect(last().join('\n')).not.toContain('the store is away');
    output.sessions(42);
    expect(last()[0]).toBe('Mirroring 42 sessions to here');
    output.note('a remark');
    expect(last()).toContain('a remark');
    expect(printed).toBe('');
    output.close();
    output.close();
    expect(calls).toEqual(['open', 'close']);
    expect(printed).toContain('3 sessions not changed lately are left alone: --all\n');
    expect(printed).toContain('a remark\nSent 0 lines, 0 B.\n');
    expect(printed).toContain('Warning: the store is away');
    output.note('afterwards');
    expect(printed).toMatch(/afterwards\n$/);
  });

  it('prints what comes before there is a panel', () => {
    const { screen, calls } = screenOf(100, 24);
    const output = panelOutput(screen, () => startMs);
    output.note('early');
    output.trouble(new Error('too early'), undefined);
    output.close();
    expect(printed).toBe('early\nWarning: too early\n');
    expect(calls).toEqual([]);
  });
});

describe('the alternate screen', () => {
  it('is entered and left, and redrawn only when something changed or the terminal did', () => {
    const written: string[] = [];
    const stream = Object.assign(new PassThrough(), { columns: 50, rows: 9 });
    stream.on('data', (chunk) => written.push(String(chunk)));
    const screen = new AlternateScreen(stream);
    expect(screen.size).toEqual({ columns: 49, rows: 9 });
    const draw = (): void => screen.draw(['one', 'two']);
    const listeners = (): number => process.listenerCount('SIGCONT');
    const before = listeners();
    screen.open(draw);
    draw();
    draw();
    const page = '\u001b[Hone\u001b[K\ntwo\u001b[K\u001b[J';
    expect(written).toEqual(['\u001b[?1049h', page]);
    stream.emit('resize');
    process.emit('SIGCONT');
    expect(written.slice(2)).toEqual([page, '\u001b[?1049h', page]);
    screen.close();
    expect(written.at(-1)).toBe('\u001b[?1049l');
    stream.emit('resize');
    expect(written).toHaveLength(6);
    expect(listeners()).toBe(before);
  });
});
