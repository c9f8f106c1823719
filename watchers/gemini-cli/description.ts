import type { HarnessDescription } from '../harness.js';

/** https://geminicli.com/docs. Its shells are not told which session they run in; its hooks are. */
export const geminiCli = {
  name: 'gemini-cli',
  title: 'Gemini CLI',
  sessionVariables: ['GEMINI_SESSION_ID'],
  folderVariables: ['GEMINI_CLI_HOME'],
  secretVariables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  mailEvents: [],
} as const satisfies HarnessDescription;
