import { join } from 'node:path';
import {
  folderOf,
  type HarnessSetup,
  requireNoMail,
  type SetupContext,
  type SetupDescription,
  skillIn,
} from '../setup.js';
import { openClaw } from './description.js';
import { openClawHandler, openClawHookPage } from './hook.js';

const entries = ['hooks', 'internal', 'entries'];

/** https://docs.openclaw.ai/automation/hooks and https://docs.openclaw.ai/tools/skills */
export const openClawSetup: HarnessSetup = { plan };

function plan(context: SetupContext): SetupDescription {
  requireNoMail(context, "OpenClaw's hooks cannot show anything to the agent");
  const { env, home } = context;
  const base = { ...context, home: env.OPENCLAW_HOME || home };
  const state = folderOf(base, 'OPENCLAW_STATE_DIR', '.openclaw');
  const hook = join(state, 'hooks', 'tracecraft');
  return {
    harness: openClaw.name,
    settings: env.OPENCLAW_CONFIG_PATH || join(state, 'openclaw.json'),
    format: 'json5',
    wanted: [{ path: entries, name: 'tracecraft', value: { enabled: true } }],
    isOurs: (path, name) => name === 'tracecraft' && path.length === entries.length,
    files: [
      { path: join(hook, 'HOOK.md'), content: openClawHookPage },
      { path: join(hook, 'handler.js'), content: openClawHandler(context.spool) },
      skillIn(state, context),
    ],
    notes,
  };
}

function notes(settings: unknown): readonly string[] {
  const internal: unknown = Reflect.get(Object(Reflect.get(Object(settings), 'hooks')), 'internal');
  const isOff = Reflect.get(Object(internal), 'enabled') === false;
  return [
    ...(isOff ? ['These settings turn off internal hooks (hooks.internal.enabled).'] : []),
    'Restart the gateway so that it loads the hook.',
  ];
}
