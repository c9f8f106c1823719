import type { HarnessDescription } from '../harness.js';

/** https://developers.openai.com/codex/config */
export const codex = {
  name: 'codex',
  title: 'Codex',
  // A sub-agent has its own thread; the session is the root thread's.
  sessionVariables: ['CODEX_THREAD_ID', 'CODEX_SESSION_ID'],
  folderVariables: ['CODEX_HOME'],
  mailEvents: ['SessionStart', 'UserPromptSubmit'],
  trace: 'native',
} as const satisfies HarnessDescription;
