import { join } from 'node:path';
import { UnsupportedError } from '../errors.js';
import type { Harness } from '../protocol/harnesses.js';
import { mailScript, markScript, shellQuoted } from './hook-script.js';
import type { IsOurs, SettingsFormat, SettingValue, Wanted } from './insertion.js';
import { jsonSettings } from './json-settings.js';
import { openClawHandler, openClawHookPage } from './openclaw-hook.js';
import { yamlSettings } from './yaml-settings.js';

export interface SetupContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder. */
  readonly home: string;
  readonly tracecraftHome: string;
  readonly spool: string;
  /** The text of SKILL.md. */
  readonly skill: string;
  /** What the mail hook runs; `undefined` if not requested. */
  readonly mail: { readonly node: string; readonly program: string } | undefined;
}

export interface SetupFile {
  readonly path: string;
  readonly content: string;
}

/** Everything setup does for a harness: lines in its settings, and files of our own. */
export interface HarnessSetup {
  readonly harness: Harness;
  readonly settings: string;
  readonly format: SettingsFormat;
  readonly wanted: readonly Wanted[];
  readonly isOurs: IsOurs;
  readonly files: readonly SetupFile[];
  /** What the user must know or do, given what the settings say. */
  readonly notes: (settings: unknown) => readonly string[];
}

/** Seconds a harness waits for a hook, which needs milliseconds. */
const timeout = 5;

export function harnessSetup(harness: Harness, context: SetupContext): HarnessSetup {
  if (harness === 'claude-code') return claudeCode(context);
  if (harness === 'codex') return codex(context);
  if (harness === 'hermes') return hermes(context);
  return openClaw(context);
}

function folderOf({ env, home }: SetupContext, variable: string, name: string): string {
  const named = env[variable];
  return named === undefined || named === '' ? join(home, name) : named;
}

interface Scripts {
  readonly files: readonly SetupFile[];
  readonly mark: (kind: string) => string;
  readonly mail: (event: string) => string;
  readonly isOurCommand: (command: unknown) => boolean;
}

function scriptsOf(harness: Harness, { tracecraftHome, spool, mail }: SetupContext): Scripts {
  const marker = join(tracecraftHome, 'hooks', `${harness}.sh`);
  const mailer = join(tracecraftHome, 'hooks', `mail-${harness}.sh`);
  const commands = [marker, mailer].map((path) => `sh ${shellQuoted(path)} `);
  return {
    files: [
      { path: marker, content: markScript(harness, spool) },
      ...(mail === undefined
        ? []
        : [{ path: mailer, content: mailScript(harness, mail.node, mail.program) }]),
    ],
    mark: (kind) => `sh ${shellQuoted(marker)} ${kind}`,
    mail: (event) => `sh ${shellQuoted(mailer)} ${event}`,
    isOurCommand: (command) =>
      typeof command === 'string' && commands.some((one) => command.startsWith(one)),
  };
}

/** The shape Claude Code invented and Codex adopted: per event, lists of groups of handlers. */
function groups(events: Readonly<Record<string, string>>): readonly Wanted[] {
  return Object.entries(events).map(([event, command]) => ({
    path: ['hooks', event],
    value: { hooks: [{ type: 'command', command, timeout }] },
  }));
}

function isOurGroup(isOurCommand: Scripts['isOurCommand']): IsOurs {
  return (_path, _name, value) => {
    const handlers: unknown = Reflect.get(Object(value), 'hooks');
    if (!Array.isArray(handlers) || handlers.length === 0) return false;
    return handlers.every((one) => isOurCommand(Reflect.get(Object(one), 'command')));
  };
}

/** https://code.claude.com/docs/en/hooks and https://code.claude.com/docs/en/skills */
function claudeCode(context: SetupContext): HarnessSetup {
  const folder = folderOf(context, 'CLAUDE_CONFIG_DIR', '.claude');
  const scripts = scriptsOf('claude-code', context);
  return {
    harness: 'claude-code',
    settings: join(folder, 'settings.json'),
    format: jsonSettings('jsonc'),
    wanted: [
      ...groups({
        SessionStart: scripts.mark('started'),
        Stop: scripts.mark('advanced'),
        SubagentStop: scripts.mark('advanced'),
        SessionEnd: scripts.mark('ended'),
      }),
      ...mailGroups(scripts, context),
    ],
    isOurs: isOurGroup(scripts.isOurCommand),
    files: [
      ...scripts.files,
      { path: join(folder, 'skills', 'tracecraft', 'SKILL.md'), content: context.skill },
    ],
    notes: (settings) =>
      Reflect.get(Object(settings), 'disableAllHooks') === true
        ? ['These settings turn all hooks off (disableAllHooks), this one too.']
        : [],
  };
}

function mailGroups(scripts: Scripts, { mail }: SetupContext): readonly Wanted[] {
  if (mail === undefined) return [];
  return groups({
    SessionStart: scripts.mail('SessionStart'),
    UserPromptSubmit: scripts.mail('UserPromptSubmit'),
  });
}

/** https://developers.openai.com/codex/hooks and https://developers.openai.com/codex/skills */
function codex(context: SetupContext): HarnessSetup {
  const folder = folderOf(context, 'CODEX_HOME', '.codex');
  const scripts = scriptsOf('codex', context);
  return {
    harness: 'codex',
    settings: join(folder, 'hooks.json'),
    format: jsonSettings('jsonc'),
    wanted: [
      ...groups({
        SessionStart: scripts.mark('started'),
        Stop: scripts.mark('advanced'),
        SessionEnd: scripts.mark('ended'),
      }),
      ...mailGroups(scripts, context),
    ],
    isOurs: isOurGroup(scripts.isOurCommand),
    files: [
      ...scripts.files,
      {
        path: join(context.home, '.agents', 'skills', 'tracecraft', 'SKILL.md'),
        content: context.skill,
      },
    ],
    notes: () => [
      'Codex runs a new hook only after you approved it: start codex and enter /hooks.',
      'If [features] in config.toml says hooks = false, no hook runs.',
    ],
  };
}

/** https://hermes-agent.nousresearch.com/docs/user-guide/features/hooks */
function hermes(context: SetupContext): HarnessSetup {
  const folder = folderOf(context, 'HERMES_HOME', '.hermes');
  const scripts = scriptsOf('hermes', context);
  const events: Record<string, string> = {
    on_session_start: scripts.mark('started'),
    on_session_end: scripts.mark('advanced'),
    on_session_finalize: scripts.mark('ended'),
    ...(context.mail === undefined ? {} : { pre_llm_call: scripts.mail('pre_llm_call') }),
  };
  return {
    harness: 'hermes',
    settings: join(folder, 'config.yaml'),
    format: yamlSettings,
    wanted: Object.entries(events).map(([event, command]) => ({
      path: ['hooks', event],
      value: { command, timeout },
    })),
    isOurs: (_path, _name, value) => scripts.isOurCommand(Reflect.get(Object(value), 'command')),
    files: [
      ...scripts.files,
      { path: join(folder, 'skills', 'tracecraft', 'SKILL.md'), content: context.skill },
    ],
    notes: (settings) =>
      Reflect.get(Object(settings), 'hooks_auto_accept') === true
        ? []
        : [
            'Hermes asks once at the terminal before it runs a new hook; without a terminal it leaves it out (hooks_auto_accept, HERMES_ACCEPT_HOOKS=1).',
          ],
  };
}

const openClawEntries = ['hooks', 'internal', 'entries'];
const openClawValue: SettingValue = { enabled: true };

/** https://docs.openclaw.ai/automation/hooks and https://docs.openclaw.ai/tools/skills */
function openClaw(context: SetupContext): HarnessSetup {
  if (context.mail !== undefined) {
    throw new UnsupportedError("OpenClaw's hooks cannot show anything to the agent", {
      hint: 'Leave --mail out; the skill tells the agent to read "tracecraft inbox --new".',
    });
  }
  const { env, home } = context;
  const state = folderOf(
    { ...context, home: env.OPENCLAW_HOME || home },
    'OPENCLAW_STATE_DIR',
    '.openclaw',
  );
  const hook = join(state, 'hooks', 'tracecraft');
  return {
    harness: 'openclaw',
    settings: env.OPENCLAW_CONFIG_PATH || join(state, 'openclaw.json'),
    format: jsonSettings('json5'),
    wanted: [{ path: openClawEntries, name: 'tracecraft', value: openClawValue }],
    isOurs: (path, name) => name === 'tracecraft' && path.length === openClawEntries.length,
    files: [
      { path: join(hook, 'HOOK.md'), content: openClawHookPage },
      { path: join(hook, 'handler.js'), content: openClawHandler(context.spool) },
      { path: join(state, 'skills', 'tracecraft', 'SKILL.md'), content: context.skill },
    ],
    notes: (settings) => {
      const internal: unknown = Reflect.get(
        Object(Reflect.get(Object(settings), 'hooks')),
        'internal',
      );
      const isOff = Reflect.get(Object(internal), 'enabled') === false;
      return [
        ...(isOff ? ['These settings turn internal hooks off (hooks.internal.enabled).'] : []),
        'Restart the gateway, so that it loads the hook.',
      ];
    },
  };
}
