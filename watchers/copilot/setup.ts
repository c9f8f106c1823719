import { join } from 'node:path';
import { camelCase } from '../hook-script.js';
import {
  type HarnessSetup,
  hookScripts,
  hookTimeout,
  requireNoMail,
  type SetupContext,
  type SetupDescription,
  skillIn,
} from '../setup.js';
import { copilot } from './description.js';
import { homeFolder } from './layout.js';

/** https://docs.github.com/en/copilot/concepts/agents/coding-agent/about-hooks */
export const copilotSetup: HarnessSetup = { plan };

function plan(context: SetupContext): SetupDescription {
  requireNoMail(context, "Copilot CLI's hooks cannot show anything to the agent");
  const { name } = copilot;
  const folder = homeFolder(context);
  const scripts = hookScripts(name, context, { members: camelCase });
  const hook = (kind: string) => ({
    type: 'command',
    bash: scripts.signal(kind),
    timeoutSec: hookTimeout,
  });
  // Every file in this folder holds hooks; this one is ours alone.
  const hooks = {
    version: 1,
    hooks: {
      sessionStart: [hook('started')],
      agentStop: [hook('advanced')],
      sessionEnd: [hook('ended')],
    },
  };
  return {
    harness: name,
    settings: join(folder, 'settings.json'),
    format: 'jsonc',
    wanted: [],
    isOurs: () => false,
    files: [
      ...scripts.files,
      {
        path: join(folder, 'hooks', 'tracecraft.json'),
        content: `${JSON.stringify(hooks, null, 2)}\n`,
      },
      skillIn(folder, context),
    ],
    notes: () => [],
  };
}
