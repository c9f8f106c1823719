import type { HarnessDescription } from '../harness.js';

/** https://developers.openai.com/codex/config */
export const codex = {
  name: 'codex',
  title: 'Codex',
  // A sub-agent has a thread of its own; the session is that of the thread at the root.
  sessionVariables: ['CODEX_THREAD_ID', 'CODEX_SESSION_ID'],
  folderVariables: ['CODEX_HOME'],
  mailEvents: ['SessionStart', 'UserPromptSubmit'],
  trace: 'native',
} as const satisfies HarnessDescription;
