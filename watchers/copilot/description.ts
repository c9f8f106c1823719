import type { HarnessDescription } from '../harness.js';

/** https://docs.github.com/en/copilot/concepts/agents/about-copilot-cli */
export const copilot = {
  name: 'copilot',
  title: 'Copilot CLI',
  sessionVariables: ['COPILOT_AGENT_SESSION_ID'],
  folderVariables: ['COPILOT_HOME'],
  secretVariables: ['COPILOT_GITHUB_TOKEN', 'GH_TOKEN', 'GITHUB_TOKEN', 'COPILOT_PROVIDER_API_KEY'],
  mailEvents: [],
} as const satisfies HarnessDescription;
