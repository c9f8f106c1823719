import { join } from 'node:path';
import { signalModule } from '../hook-script.js';
import {
  type HarnessSetup,
  requireNoMail,
  type SetupContext,
  type SetupDescription,
  skillIn,
} from '../setup.js';
import { pi } from './description.js';
import { agentFolder } from './layout.js';

/** pi loads what is in its extensions folder by itself; no settings file needs a line. */
export const piSetup: HarnessSetup = { plan };

function plan(context: SetupContext): SetupDescription {
  requireNoMail(context, "pi's extension does not show anything to the agent");
  const folder = agentFolder(context);
  return {
    harness: pi.name,
    settings: join(folder, 'settings.json'),
    format: 'jsonc',
    wanted: [],
    isOurs: () => false,
    files: [
      { path: join(folder, 'extensions', 'tracecraft.ts'), content: extension(context.spool) },
      skillIn(folder, context),
    ],
    notes: () => [],
  };
}

/** https://github.com/badlogic/pi-mono/blob/main/packages/coding-agent/docs/extensions.md */
function extension(spool: string): string {
  return `// Written by "tracecraft setup pi"; "tracecraft setup pi --remove" takes it away.
// @ts-nocheck
${signalModule(pi.name, spool)}
export default function tracecraft(pi) {
  const told = (kind) => (event, context) => {
    if (event?.reason === 'reload') return;
    const path = context?.sessionManager?.getSessionFile?.();
    if (typeof path === 'string') tell(kind, /_([^_/\\\\]+)\\.jsonl$/.exec(path)?.[1], path);
  };
  pi.on('session_start', told('started'));
  pi.on('agent_settled', told('advanced'));
  pi.on('session_shutdown', told('ended'));
}
`;
}
