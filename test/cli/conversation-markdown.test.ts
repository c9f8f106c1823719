import { describe, expect, it } from 'vitest';
import { conversationMarkdown } from '../../src/cli/conversation-markdown.js';
import type { Conversation } from '../../src/conversation/conversation.js';
import { readerOf } from '../../watchers/readers.js';
import { ClaudeRows, lines } from '../conversation/sample-rows.js';

function gardening(): Conversation {
  const rows = new ClaudeRows();
  rows.user('Water the beds\n# and the pots');
  rows.call('m1', 't1', 'Bash', { command: 'ls `pwd`' });
  rows.result('t1', 'a\n```\nb\n```');
  rows.call('m2', 't2', 'Bash', { command: 'water' });
  rows.assistant('m3', [{ type: 'text', text: 'All **wet**.\n\n- bed 1\n' }]);
  rows.user('And again');
  const fold = readerOf('claude-code')?.open({ session: rows.session, stream: '' });
  if (fold === undefined) throw new Error('no reader');
  for (const [index, line] of lines(rows.rows).entries()) fold.row(String(line).trimEnd(), index);
  return fold.state();
}

const head = { title: 'Beds\nand pots', about: 'claude-code/x, 2 turns' };

function withoutTimes(markdown: string): string {
  return markdown.replace(/ · \d{4}-\d\d-\d\d \d\d:\d\d/g, '');
}

describe('a conversation as Markdown', () => {
  const { turns } = gardening();

  it('quotes prompts, keeps answers, and has a line per call', () => {
    const view = { turns, thinking: false, calls: false, all: false };
    expect(withoutTimes(conversationMarkdown(view, head))).toBe(
      `# Beds and pots

claude-code/x, 2 turns

## Turn 1

> Water the beds
> # and the pots

- Bash \`\` ls \`pwd\` \`\` ✓
- Bash \`water\` no result

All **wet**.

- bed 1

## Turn 2

> And again

*(not answered yet)*
`,
    );
  });

  it('has results in fences longer than theirs', () => {
    const view = { turns, thinking: false, calls: true, all: false };
    expect(conversationMarkdown(view, head)).toContain(
      '✓\n\n  ````\n  a\n  ```\n  b\n  ```\n  ````\n',
    );
  });
});
