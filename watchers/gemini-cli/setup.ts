import { join } from 'node:path';
import {
  type HarnessSetup,
  hookGroups,
  hookScripts,
  hookTimeout,
  isOurGroup,
  requireNoMail,
  type SetupContext,
  type SetupDescription,
  skillIn,
} from '../setup.js';
import { geminiCli } from './description.js';
import { homeFolder } from './layout.js';

/** https://geminicli.com/docs/hooks/reference */
export const geminiCliSetup: HarnessSetup = { plan };

function plan(context: SetupContext): SetupDescription {
  requireNoMail(context, "Gemini CLI's hooks are not known to show anything to the agent");
  const { name } = geminiCli;
  const folder = homeFolder(context);
  const scripts = hookScripts(name, context);
  return {
    harness: name,
    settings: join(folder, 'settings.json'),
    format: 'jsonc',
    wanted: hookGroups(
      {
        SessionStart: scripts.signal('started'),
        AfterAgent: scripts.signal('advanced'),
        PreCompress: scripts.signal('advanced'),
        SessionEnd: scripts.signal('ended'),
      },
      { timeout: hookTimeout * 1_000 },
    ),
    isOurs: isOurGroup(scripts.isOurCommand),
    files: [...scripts.files, skillIn(folder, context)],
    notes: () => [],
  };
}
