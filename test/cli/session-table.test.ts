import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { sessionTable } from '../../src/cli/session-rows.js';
import { fitted } from '../../src/cli/table.js';
import type { ListedSession } from '../../src/mirror/slots/session-listing.js';
import { metaSchema, parseDocument } from '../../src/protocol/documents.js';

const nowMs = Date.parse('2026-05-02T12:00:00Z');

function session(id: string, title: string, lastRowAt: string, cwd: string): ListedSession {
  const streams = [
    { name: 'subagents/agent-1', part_count: 1, total_lines: 1, total_uploaded_bytes: 1 },
  ];
  const document = { schema_version: 2, harness: 'claude-code', session_id: id };
  const told = { title, cwd, last_row_at: lastRowAt, streams: title === '' ? [] : streams };
  const body = Buffer.from(JSON.stringify({ ...document, ...told }));
  return { harness: 'claude-code', id, meta: parseDocument(metaSchema, 'meta.json', body) };
}

const sessions: readonly ListedSession[] = [
  session('8b418ea5-1', 'Fix the checkout', '2026-05-02T11:59:40Z', '/home/alex/shop'),
  session(
    '01a201f0-aa01',
    '日本語のタイトル、とても長いので切られるはずです。まだまだ続きます',
    '2026-05-02T10:00:00Z',
    '/home/alex',
  ),
  session(
    '01a201f0-aa02',
    `A title \u001b[31m${'that goes on and on '.repeat(8)}`,
    '2026-04-20T12:00:00Z',
    '/x/a-folder-with-a-very-long-name',
  ),
  session('20261122_0916', '', '2019-01-01T00:00:00Z', '/home/alex/src/cli'),
  { harness: 'hermes', id: '20261122_0917', meta: undefined },
];

function tableAt(width: number): readonly string[] {
  const ids = sessions.map(({ id }) => id);
  return sessionTable({
    sessions,
    ids,
    home: '/home/alex',
    nowMs,
    width,
    isLong: false,
    isUtc: true,
  });
}

describe('session list', () => {
  it.each([120, 80, 60, 40])('fits %d columns', async (width) => {
    const lines = tableAt(width);
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`screens/session-list-${width}.txt`);
  });

  it('has every column, and whole titles, where there is no terminal', () => {
    const [head = '', first = ''] = tableAt(Number.POSITIVE_INFINITY);
    expect(head.split(/ +/)).toEqual(['AGE', 'HARNESS', 'FOLDER', 'TITLE', 'ID']);
    expect(first).toMatch(/^now +claude-code +shop +Fix the checkout \+1 +8b418ea5$/);
  });

  it('measures wide characters instead of counting them', () => {
    expect(fitted('日本語', 5)).toBe('日本…');
    expect(fitted('日本語', 6)).toBe('日本語');
    expect(fitted('abc', 0)).toBe('');
    expect(fitted('a\u001b[31mb', 30)).not.toContain('\u001b');
  });
});
