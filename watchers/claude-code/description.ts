import type { HarnessDescription } from '../harness.js';

/** https://code.claude.com/docs/en/settings */
export const claudeCode = {
  name: 'claude-code',
  title: 'Claude Code',
  // Our own hook exports the second one, for releases that do not set the first.
  sessionVariables: ['CLAUDE_CODE_SESSION_ID', 'CLAUDE_SESSION_ID'],
  folderVariables: ['CLAUDE_CONFIG_DIR'],
  takesFolderList: true,
  mailEvents: ['SessionStart', 'UserPromptSubmit'],
  trace: 'native',
} as const satisfies HarnessDescription;
