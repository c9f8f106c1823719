import { join } from 'node:path';
import { UnsupportedError } from '../../src/errors.js';
import {
  type HarnessSetup,
  hookGroups,
  hookScripts,
  isOurGroup,
  type SetupContext,
  type SetupDescription,
} from '../setup.js';
import { qwenCode } from './description.js';
import { foldersOf } from './layout.js';

/** https://qwenlm.github.io/qwen-code-docs/en/users/features/hooks */
export const qwenCodeSetup: HarnessSetup = { plan };

function plan(context: SetupContext): SetupDescription {
  if (context.mail !== undefined) {
    throw new UnsupportedError("Qwen Code's hooks are not known to show anything to the agent", {
      hint: 'Omit --mail; the skill tells the agent to read "tracecraft inbox --new".',
    });
  }
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
    files: [
      ...scripts.files,
      { path: join(folder, 'skills', 'tracecraft', 'SKILL.md'), content: context.skill },
    ],
    notes: (settings) =>
      Reflect.get(Object(settings), 'disableAllHooks') === true
        ? ['These settings turn off all hooks (disableAllHooks), including this one.']
        : [],
  };
}
