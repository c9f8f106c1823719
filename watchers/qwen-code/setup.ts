import { join } from 'node:path';
import {
  type HarnessSetup,
  hookGroups,
  hookScripts,
  isOurGroup,
  requireNoMail,
  type SetupContext,
  type SetupDescription,
  skillIn,
} from '../setup.js';
import { qwenCode } from './description.js';
import { foldersOf } from './layout.js';

/** https://qwenlm.github.io/qwen-code-docs/en/users/features/hooks */
export const qwenCodeSetup: HarnessSetup = { plan };

function plan(context: SetupContext): SetupDescription {
  requireNoMail(context, "Qwen Code's hooks are not known to show anything to the agent");
  const { name } = qwenCode;
  const folder = foldersOf(context).settings;
  const scripts = hookScripts(name, context);
  return {
    harness: name,
    settings: join(folder, 'settings.json'),
    format: 'jsonc',
    // Releases differ in the unit of a limit, so none is set.
    wanted: hookGroups(
      {
        SessionStart: scripts.signal('started'),
        Stop: scripts.signal('advanced'),
        SubagentStop: scripts.signal('advanced'),
        SessionEnd: scripts.signal('ended'),
      },
      {},
    ),
    isOurs: isOurGroup(scripts.isOurCommand),
    files: [...scripts.files, skillIn(folder, context)],
    notes: (settings) =>
      Reflect.get(Object(settings), 'disableAllHooks') === true
        ? ['These settings turn off all hooks (disableAllHooks), including this one.']
        : [],
  };
}
