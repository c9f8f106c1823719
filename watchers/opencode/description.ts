import type { HarnessDescription } from '../harness.js';

/** https://opencode.ai/docs. Our own plugin exports the variable: its shells are not told which session they run in. */
export const openCode = {
  name: 'opencode',
  title: 'opencode',
  sessionVariables: ['OPENCODE_SESSION_ID'],
  folderVariables: ['OPENCODE_DB'],
  secretVariables: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'OPENCODE_API_KEY'],
  mailEvents: [],
} as const satisfies HarnessDescription;
