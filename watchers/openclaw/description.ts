import type { HarnessDescription } from '../harness.js';

/** https://docs.openclaw.ai/automation/hooks: its hooks run in the gateway and show the agent nothing. */
export const openClaw = {
  name: 'openclaw',
  title: 'OpenClaw',
  sessionVariables: [],
  folderVariables: ['OPENCLAW_STATE_DIR', 'OPENCLAW_HOME'],
  mailEvents: [],
  trace: 'named',
} as const satisfies HarnessDescription;
