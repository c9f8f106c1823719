import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { shellLine } from '../../src/cli/shell-words.js';
import { escapeTerminal } from '../../src/escape-terminal.js';

it.each([
  'plain',
  '/work/it is mine',
  'it\'s $(touch x) `y` \\ "z" !',
  'two\nlines\tand\\n',
  '\u001b[31mred\u0007 0',
  'back\u202ewards\u2028c\u00851',
  '日本語 🚀',
  '',
  '-rf',
  '~',
])('a shell reads %j as it is, and a terminal shows nothing else', (word) => {
  const line = shellLine(['printf', '%s', word]);
  expect(escapeTerminal(line)).toBe(line);
  const { stdout } = spawnSync('bash', ['-c', line], { env: { LC_ALL: 'C.UTF-8' } });
  expect(stdout.toString()).toBe(word);
});
