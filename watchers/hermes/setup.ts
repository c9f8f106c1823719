import { join } from 'node:path';
import {
  folderOf,
  type HarnessSetup,
  hookScripts,
  hookTimeout,
  mailCommands,
  type SetupContext,
  type SetupDescription,
  skillIn,
} from '../setup.js';
import { hermes } from './description.js';

/** https://hermes-agent.nousresearch.com/docs/user-guide/features/hooks */
export const hermesSetup: HarnessSetup = {
  plan,
  mailAnswer: (_event, text) => ({ context: text }),
};

function plan(context: SetupContext): SetupDescription {
  const { name, mailEvents } = hermes;
  const folder = folderOf(context, 'HERMES_HOME', '.hermes');
  const scripts = hookScripts(name, context);
  const events: Record<string, string> = {
    on_session_start: scripts.signal('started'),
    on_session_end: scripts.signal('advanced'),
    on_session_finalize: scripts.signal('ended'),
    ...mailCommands(scripts, context, mailEvents),
  };
  return {
    harness: name,
    settings: join(folder, 'config.yaml'),
    format: 'yaml',
    wanted: Object.entries(events).map(([event, command]) => ({
      path: ['hooks', event],
      value: { command, timeout: hookTimeout },
    })),
    isOurs: (_path, _name, value) => scripts.isOurCommand(Reflect.get(Object(value), 'command')),
    files: [...scripts.files, skillIn(folder, context)],
    notes: (settings) =>
      Reflect.get(Object(settings), 'hooks_auto_accept') === true
        ? []
        : [
            'Hermes asks once at the terminal before it runs a new hook; without a terminal it skips it (hooks_auto_accept, HERMES_ACCEPT_HOOKS=1).',
          ],
  };
}
