import { join } from 'node:path';
import { signalModule } from '../hook-script.js';
import {
  type HarnessSetup,
  requireNoMail,
  type SetupContext,
  type SetupDescription,
  skillIn,
} from '../setup.js';
import { openCode } from './description.js';

/** opencode loads what is in its plugin folder by itself; no settings file needs a line. */
export const openCodeSetup: HarnessSetup = { plan };

function plan(context: SetupContext): SetupDescription {
  requireNoMail(context, "opencode's plugin does not show anything to the agent");
  const config = context.env.XDG_CONFIG_HOME ?? '';
  const folder = join(config === '' ? join(context.home, '.config') : config, 'opencode');
  return {
    harness: openCode.name,
    settings: join(folder, 'opencode.json'),
    format: 'text',
    wanted: [],
    isOurs: () => false,
    files: [
      { path: join(folder, 'plugin', 'tracecraft.js'), content: plugin(context.spool) },
      skillIn(folder, context),
    ],
    notes: () => [],
  };
}

/** https://opencode.ai/docs/plugins */
function plugin(spool: string): string {
  return `// Written by "tracecraft setup opencode"; "tracecraft setup opencode --remove" takes it away.
${signalModule(openCode.name, spool)}
const kinds = { 'session.created': 'started', 'session.idle': 'advanced', 'session.deleted': 'ended' };

export const Tracecraft = async () => ({
  event: async ({ event }) => {
    const kind = kinds[event?.type];
    const { sessionID, info } = event?.properties ?? {};
    if (kind !== undefined) tell(kind, sessionID ?? info?.id);
  },
  // So that "tracecraft claim" in its shells knows which session it runs in.
  'shell.env': async (input, output) => {
    if (typeof input?.sessionID === 'string' && output?.env) {
      output.env.OPENCODE_SESSION_ID = input.sessionID;
    }
  },
});
`;
}
