import { join } from 'node:path';
import {
  additionalContext,
  folderOf,
  type HarnessSetup,
  hookGroups,
  hookScripts,
  isOurGroup,
  mailCommands,
  type SetupContext,
  type SetupDescription,
} from '../setup.js';
import { codex } from './description.js';

/** https://developers.openai.com/codex/hooks and https://developers.openai.com/codex/skills */
export const codexSetup: HarnessSetup = { plan, mailAnswer: additionalContext };

/** Seconds. Codex shortens anything longer to this, with a warning at each start. */
const endTimeout = 3;

function plan(context: SetupContext): SetupDescription {
  const { name, mailEvents } = codex;
  const scripts = hookScripts(name, context);
  const skill = join(context.home, '.agents', 'skills', 'tracecraft', 'SKILL.md');
  return {
    harness: name,
    settings: join(folderOf(context, 'CODEX_HOME', '.codex'), 'hooks.json'),
    format: 'jsonc',
    wanted: [
      ...hookGroups({
        SessionStart: scripts.signal('started'),
        Stop: scripts.signal('advanced'),
      }),
      ...hookGroups({ SessionEnd: scripts.signal('ended') }, { timeout: endTimeout }),
      ...hookGroups(mailCommands(scripts, context, mailEvents)),
    ],
    isOurs: isOurGroup(scripts.isOurCommand),
    files: [...scripts.files, { path: skill, content: context.skill }],
    notes: () => [
      'Codex runs a new hook only once you approve it: start codex and enter /hooks.',
      'If [features] in config.toml says hooks = false, no hook runs.',
    ],
  };
}
