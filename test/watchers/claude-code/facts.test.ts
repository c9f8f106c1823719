import { describe, expect, it } from 'vitest';
import type { SessionFacts } from '../../../src/mirror/stream.js';
import { foldClaudeRow } from '../../../watchers/claude-code/facts.js';
import {
  assistantRow,
  customTitleRow,
  lineOf,
  progressRow,
  type Row,
  type RowContext,
  snapshotRow,
  userRow,
} from '../../support/claude-tree.js';

const context: RowContext = { sessionId: 's-1', cwd: '/work/app' };
const large = 'x'.repeat(40_000);

function fold(
  rows: readonly (Row | string)[],
  { isMain = true, before = {} }: { isMain?: boolean; before?: SessionFacts } = {},
): SessionFacts {
  return rows
    .map((row) => Buffer.from(typeof row === 'string' ? row : lineOf(row)))
    .reduce((facts, line) => foldClaudeRow(line, facts, { isMain }), before);
}

describe.each(['beginning', 'end'] as const)('context at the %s of rows', (contextAt) => {
  const here: RowContext = { ...context, contextAt };

  it('provides folder, branch, version, model and start', () => {
    const facts = fold([
      snapshotRow,
      userRow('hello', here),
      assistantRow('hi', 'claude-opus-4-8', { ...here, timestamp: '2026-01-02T03:05:00Z' }),
    ]);
    expect(facts).toEqual({
      cwd: '/work/app',
      gitBranch: 'main',
      harnessVersion: '2.1.39',
      model: 'claude-opus-4-8',
      startedAt: '2026-01-02T03:04:05.678Z',
    });
  });

  it('takes the first folder and the last branch, version and model', () => {
    const facts = fold([
      assistantRow('a', 'first-model', here),
      userRow(large, { ...here, cwd: '/work/app/sub', gitBranch: 'topic', version: '2.1.40' }),
      assistantRow(large, 'second-model', { ...here, cwd: '/elsewhere', gitBranch: 'topic' }),
      assistantRow('c', '<synthetic>', { ...here, gitBranch: 'späte Äste', version: '2.2.0' }),
    ]);
    expect(facts).toMatchObject({
      cwd: '/work/app',
      gitBranch: 'späte Äste',
      harnessVersion: '2.2.0',
      model: 'second-model',
    });
  });

  it('reads rows of megabytes like any other', () => {
    const huge = 'y'.repeat(6 << 20);
    const before = fold([userRow('a', here)]);
    const facts = fold([assistantRow(huge, 'm', { ...here, gitBranch: 'late' })], { before });
    expect(facts).toMatchObject({ gitBranch: 'late', model: 'm' });
  });

  it('is not misled by nested content', () => {
    const nested = { cwd: '/no', version: 'no', gitBranch: 'no', message: { model: 'no' } };
    const before = fold([assistantRow('a', 'mine', here)]);
    const after = fold(
      [
        progressRow('agent-model', here),
        userRow('b', here, { toolUseResult: nested }),
        userRow(JSON.stringify(nested), here),
        userRow(`","version":"no","gitBranch":"no"}`, here),
        { ...snapshotRow, snapshot: nested },
      ],
      { before },
    );
    expect(after).toBe(before);
  });

  it('ignores the model of inline sub-agents', () => {
    const aside = { ...here, isSidechain: true };
    expect(fold([assistantRow('a', 'haiku', aside)]).model).toBeUndefined();
    const facts = fold([assistantRow('a', 'opus', here), assistantRow('b', 'haiku', aside)]);
    expect(facts.model).toBe('opus');
  });

  it('provides no model or parent for sub-agent streams', () => {
    const rows = [
      assistantRow('a', 'haiku', here, { forkedFrom: { sessionId: 'p', messageUuid: 'm' } }),
      customTitleRow('Title', 's-1'),
    ];
    const facts = fold(rows, { isMain: false });
    expect(Object.keys(facts).sort()).toEqual(['cwd', 'gitBranch', 'harnessVersion', 'startedAt']);
  });
});

it('reads the context even if a row begins with its type', () => {
  const before = fold([userRow('a', context)]);
  const row = { type: 'user', uuid: 'u', cwd: '/x', version: '3', gitBranch: 'new', message: {} };
  expect(fold([{ ...row, timestamp: 't', more: {} }], { before })).toMatchObject({
    harnessVersion: '3',
    gitBranch: 'new',
  });
});

describe('the parent of a session', () => {
  it('is taken from rows that say so, and from nothing else', () => {
    const forkedFrom = { sessionId: 'parent-1', messageUuid: 'm-1' };
    for (const contextAt of ['beginning', 'end'] as const) {
      const copied = userRow('a', { ...context, contextAt }, { forkedFrom });
      expect(fold([snapshotRow, copied]).parentSessionId).toBe('parent-1');
    }
    expect(
      fold([userRow('a', { ...context, sessionId: 'other' })]).parentSessionId,
    ).toBeUndefined();
    const nested = userRow('a', context, { toolUseResult: { forkedFrom } });
    expect(fold([nested]).parentSessionId).toBeUndefined();
  });
});

describe('a fact', () => {
  it('is left out if cutting or cleaning would change it', () => {
    const long = `/${'d'.repeat(500)}`;
    expect(fold([userRow('a', { ...context, cwd: long })]).cwd).toBeUndefined();
    expect(fold([userRow('a', { ...context, cwd: '/a\nb' })]).cwd).toBeUndefined();
    expect(fold([userRow('a', { ...context, gitBranch: '' })]).gitBranch).toBeUndefined();
    const accents = `/${'é'.repeat(499)}`;
    expect(fold([userRow('a', { ...context, cwd: accents })]).cwd).toBe(accents);
  });

  it('is a time only if it is valid, and then in UTC', () => {
    const at = (timestamp: string) => fold([userRow('a', { ...context, timestamp })]).startedAt;
    expect(at('2026-01-02T03:04:05+02:00')).toBe('2026-01-02T01:04:05.000Z');
    expect(at('2026-13-45T03:04:05Z')).toBeUndefined();
    expect(at('yesterday')).toBeUndefined();
    expect(at('1767323045678')).toBeUndefined();
  });

  it('does not change the facts if a row repeats it', () => {
    const row = assistantRow('a', 'm', context);
    const before = fold([row]);
    expect(fold([row, row, row], { before })).toBe(before);
  });
});
