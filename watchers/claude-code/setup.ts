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
  skillIn,
} from '../setup.js';
import { claudeCode } from './description.js';

/** https://code.claude.com/docs/en/hooks and https://code.claude.com/docs/en/skills */
export const claudeCodeSetup: HarnessSetup = { plan, mailAnswer: additionalContext };

/** Claude Code sources this file before each of its shell commands (https://code.claude.com/docs/en/hooks). */
const sessionForShells = `# So that "tracecraft claim" in Claude Code's shell knows which session it runs in.
if [ "$1" = started ] && [ -n "$CLAUDE_ENV_FILE" ] && [ "$name" = "$id" ]; then
  printf 'export CLAUDE_SESSION_ID=%s\\n' "$id" >>"$CLAUDE_ENV_FILE"
fi
`;

function plan(context: SetupContext): SetupDescription {
  const { name, mailEvents } = claudeCode;
  const folder = folderOf(context, 'CLAUDE_CONFIG_DIR', '.claude');
  const scripts = hookScripts(name, context, { more: sessionForShells });
  return {
    harness: name,
    settings: join(folder, 'settings.json'),
    format: 'jsonc',
    wanted: [
      ...hookGroups({
        SessionStart: scripts.signal('started'),
        Stop: scripts.signal('advanced'),
        SubagentStop: scripts.signal('advanced'),
        SessionEnd: scripts.signal('ended'),
      }),
      ...hookGroups(mailCommands(scripts, context, mailEvents)),
    ],
    isOurs: isOurGroup(scripts.isOurCommand),
    files: [...scripts.files, skillIn(folder, context)],
    notes: (settings) =>
      Reflect.get(Object(settings), 'disableAllHooks') === true
        ? ['These settings turn off all hooks (disableAllHooks), including this one.']
        : [],
  };
}
