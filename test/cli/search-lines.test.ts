import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { ageOf, sessionLine } from '../../src/cli/search-lines.js';
import { metaSchema, parseDocument } from '../../src/protocol/documents.js';
import type { SessionHits } from '../../src/search/scan.js';

const nowMs = Date.parse('2026-05-02T12:00:00Z');
const id = 'fa812bfe-b295-4cca-9c2f-fdf01028cb46';

function found(title: string, isSpread: boolean): SessionHits {
  const document = { schema_version: 2, harness: 'claude-code', session_id: id };
  const told = { title, cwd: '/home/alex/shop', agent_id: 'alex', host: 'desk', streams: [] };
  const body = Buffer.from(JSON.stringify({ ...document, ...told }));
  const meta = parseDocument(metaSchema, 'meta.json', body);
  return {
    session: { harness: 'claude-code', id, meta },
    shortId: 'fa812bfe',
    hits: [],
    count: 1,
    lines: 1,
    scannedBytes: 0,
    unread: undefined,
    isSpread,
  };
}

describe('the row above the hits of a session', () => {
  it.each([
    [100, false],
    [80, true],
    [60, false],
  ] as const)('fits %d columns (spread: %s)', (width, isSpread) => {
    const title =
      'Run the issue details および準備 and find what is available, then work on it until it is done';
    const line = sessionLine(found(title, isSpread), { shortId: 'fa812bfe', nowMs, width });
    expect(stringWidth(line)).toBeLessThanOrEqual(width);
    expect(line.startsWith('fa812bfe  claude-code  alex@desk  shop')).toBe(true);
    expect(line.endsWith('(all words, but in no single row)')).toBe(isSpread);
  });

  it('has a title of 100 characters where there is no terminal, and says that it is cut', () => {
    const space = { shortId: 'fa812bfe', nowMs, width: Number.POSITIVE_INFINITY };
    expect(sessionLine(found('x'.repeat(300), false), space)).toMatch(/ {2}x{99}…$/);
  });

  it.each([
    [10_000, '10s ago'],
    [3_600_000, '1h ago'],
    [291 * 86_400_000, '41w ago'],
  ])('says %d ms as "session list" does', (ms, text) => {
    expect(ageOf(nowMs - ms, nowMs)).toBe(text);
  });
});
