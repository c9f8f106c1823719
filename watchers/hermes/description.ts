import type { HarnessDescription } from '../harness.js';

/** https://hermes-agent.nousresearch.com/docs/user-guide/features/hooks */
export const hermes = {
  name: 'hermes',
  title: 'Hermes',
  sessionVariables: ['HERMES_SESSION_ID'],
  folderVariables: ['HERMES_HOME'],
  mailEvents: ['pre_llm_call'],
} as const satisfies HarnessDescription;
