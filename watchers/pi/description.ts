import type { HarnessDescription } from '../harness.js';

/** https://github.com/badlogic/pi-mono/tree/main/packages/coding-agent */
export const pi = {
  name: 'pi',
  title: 'pi',
  sessionVariables: ['PI_SESSION_ID'],
  folderVariables: ['PI_CODING_AGENT_DIR', 'PI_CODING_AGENT_SESSION_DIR'],
  secretVariables: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'OPENROUTER_API_KEY'],
  mailEvents: [],
  trace: 'native',
} as const satisfies HarnessDescription;
