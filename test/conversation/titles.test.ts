import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { titleStart, titleText } from '../../src/conversation/titles.js';
import { fold } from './folding.js';
import { ClaudeRows } from './sample-rows.js';

function titleOf(rows: ClaudeRows, place = {}): string | undefined {
  return fold('claude-code', rows.rows, { session: rows.session, ...place }).title;
}

describe('a title', () => {
  it('is the last name the user gave, before any other', () => {
    const rows = new ClaudeRows();
    rows.note('custom-title', { customTitle: 'One' }).note('custom-title', { customTitle: 'Two' });
    rows.note('ai-title', { aiTitle: 'Made up' });
    rows.user('do it');
    expect(titleOf(rows)).toBe('Two');
    expect(titleOf(rows, { named: 'Kept elsewhere' })).toBe('Kept elsewhere');
  });

  it('is otherwise the harness’s; a summary counts only for a row of this file', () => {
    const foreign = new ClaudeRows();
    foreign.note('summary', { summary: 'Another session', leafUuid: 'elsewhere' });
    foreign.user('mine');
    expect(titleOf(foreign)).toBe('mine');
    const own = new ClaudeRows();
    own.note('summary', { summary: 'This session', leafUuid: own.user('mine') });
    expect(titleOf(own)).toBe('This session');
  });

  it('is otherwise the first own prompt on one line, before an inherited one', () => {
    const rows = new ClaudeRows();
    const forkedFrom = { sessionId: '0bad0bad-0000-4000-8000-000000000bad' };
    rows.user('theirs', { forkedFrom });
    rows.user('<command-name>/pr</command-name>');
    expect(titleOf(rows)).toBe('theirs');
    rows.user('Do   this\nand\tthat\u202e \u0007now');
    expect(titleOf(rows)).toBe('Do this and that now');
  });

  it('is never a tag, a caveat or an image placeholder', () => {
    const rows = new ClaudeRows();
    rows.user('<div>look</div>');
    rows.user('[Image: source: /tmp/a.png]');
    expect(titleOf(rows)).toBe('[image]');
    const named = new ClaudeRows();
    named.user('[Image #1] [Image #2] which one?');
    expect(titleOf(named)).toBe('which one?');
    const pictured = new ClaudeRows();
    pictured.user([{ type: 'image' }]);
    expect(titleOf(pictured)).toBe('[image]');
  });

  it('of a sub-agent is its caller’s description, otherwise its task', () => {
    const rows = new ClaudeRows();
    rows.user('Find all of them');
    const place = { stream: 'subagents/agent-a1' };
    expect(titleOf(rows, place)).toBe('Find all of them');
    const spawned = { session: rows.session, description: 'find them' };
    expect(titleOf(rows, { ...place, spawned })).toBe('find them');
  });

  it('is the first command if nothing else was typed', () => {
    const rows = new ClaudeRows();
    rows.user('<command-name>/loop</command-name><command-args>5m check</command-args>');
    rows.user('<command-name>/exit</command-name>');
    expect(titleOf(rows)).toBe('/loop 5m check');
    expect(titleOf(new ClaudeRows())).toBeUndefined();
  });

  it('is truncated if too long, never in the middle of a character', () => {
    const rows = new ClaudeRows();
    rows.user(`${'a'.repeat(498)}🚀🚀`);
    expect(titleOf(rows)).toBe(`${'a'.repeat(498)}…`);
  });
});

it('begins as its whole text does', () => {
  const piece = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom(' ', '\n', '\t ', '\u0007', '\u202e', '😀', '\ud83d', ' '.repeat(400)),
  );
  const said = fc.array(piece, { maxLength: 120 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(said, fc.integer({ min: 1, max: 600 }), (text, length) => {
      expect(titleStart(text, length)).toBe(titleText(text).slice(0, length));
    }),
  );
});
