import type { HarnessDescription } from '../harness.js';

/** https://moonshotai.github.io/kimi-cli. Its shells are not told which session they run in. */
export const kimiCode = {
  name: 'kimi-code',
  title: 'Kimi Code',
  sessionVariables: [],
  folderVariables: ['KIMI_CODE_HOME'],
  secretVariables: ['KIMI_API_KEY', 'MOONSHOT_API_KEY', 'OPENAI_API_KEY'],
  mailEvents: [],
} as const satisfies HarnessDescription;
