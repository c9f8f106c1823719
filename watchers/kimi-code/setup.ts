import { join } from 'node:path';
import {
  type HarnessSetup,
  hookScripts,
  hookTimeout,
  requireNoMail,
  type SetupContext,
  type SetupDescription,
} from '../setup.js';
import { kimiCode } from './description.js';
import { homeFolder } from './layout.js';

/** Its hooks are in a file that also holds keys, in TOML: that is not edited, but says which lines to add. */
export const kimiCodeSetup: HarnessSetup = { plan };

function plan(context: SetupContext): SetupDescription {
  requireNoMail(context, "Kimi Code's hooks are not known to show anything to the agent");
  const { name } = kimiCode;
  const scripts = hookScripts(name, context);
  const settings = join(homeFolder(context), 'config.toml');
  const skill = join(context.home, '.agents', 'skills', 'tracecraft', 'SKILL.md');
  const lines = Object.entries({
    SessionStart: 'started',
    Stop: 'advanced',
    SessionEnd: 'ended',
  }).map(
    ([event, kind]) =>
      `[[hooks]]\nevent = "${event}"\ncommand = ${JSON.stringify(scripts.signal(kind))}\ntimeout = ${hookTimeout}`,
  );
  return {
    harness: name,
    settings,
    format: 'text',
    wanted: [],
    isOurs: () => false,
    files: [...scripts.files, { path: skill, content: context.skill }],
    notes: (text) =>
      String(text).includes(scripts.signal('advanced'))
        ? []
        : [
            `Add these lines to ${settings}, and remove them with the hook:\n\n${lines.join('\n\n')}`,
          ],
  };
}
