import { join } from 'node:path';
import { UnsupportedError } from '../src/errors.js';
import { mailScript, type SignalOptions, shellQuoted, signalScript } from './hook-script.js';

/** What setup does for a harness, described as data; `src/setup` knows where and how to write it. */
export interface HarnessSetup {
  plan(context: SetupContext): SetupDescription;
  /** What a mail hook prints at an event so that the agent is shown a text; absent if the harness cannot show any. */
  readonly mailAnswer?: (event: string, text: string) => object;
}

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

/** For a harness that shows its agent nothing; `reason` says what cannot. */
export function requireNoMail({ mail }: Pick<SetupContext, 'mail'>, reason: string): void {
  if (mail === undefined) return;
  throw new UnsupportedError(reason, {
    hint: 'Omit --mail; the skill tells the agent to read "tracecraft inbox --new".',
  });
}

/** Our skill among those that a harness keeps in a folder. */
export function skillIn(folder: string, { skill }: Pick<SetupContext, 'skill'>): SetupFile {
  return { path: join(folder, 'skills', 'tracecraft', 'SKILL.md'), content: skill };
}

/** Everything setup does for a harness: lines in its settings, and files of our own. */
export interface SetupDescription {
  readonly harness: string;
  /** Absolute. */
  readonly settings: string;
  readonly format: SettingsFormatName;
  readonly wanted: readonly Wanted[];
  readonly isOurs: IsOurs;
  readonly files: readonly SetupFile[];
  /** What the user must know or do, given what the settings say. */
  readonly notes: (settings: unknown) => readonly string[];
}

/** `text` is read for notes and never edited. */
export type SettingsFormatName = 'jsonc' | 'json5' | 'yaml' | 'text';

export interface SetupFile {
  readonly path: string;
  readonly content: string;
}

/**
 * What a settings file should hold: `value` as an element of the list at `path`, or as the member `name` of the
 * object there.
 */
export interface Wanted {
  readonly path: readonly string[];
  /** `undefined`: an element of a list. */
  readonly name?: string;
  readonly value: SettingValue;
}

export type SettingValue =
  | string
  | number
  | boolean
  | readonly SettingValue[]
  | { readonly [name: string]: SettingValue };

/** Whether setup put the plain value at that path. */
export type IsOurs = (path: readonly string[], name: string | undefined, value: unknown) => boolean;

/** Seconds a harness waits for a hook, which needs milliseconds. */
export const hookTimeout = 5;

/** The folder that a variable names, else the one of this name in the user's home. */
export function folderOf({ env, home }: SetupContext, variable: string, name: string): string {
  const named = env[variable];
  return named === undefined || named === '' ? join(home, name) : named;
}

/** The shell scripts behind a harness's hooks, and the commands that run them. */
interface HookScripts {
  readonly files: readonly SetupFile[];
  readonly signal: (kind: string) => string;
  readonly mail: (event: string) => string;
  readonly isOurCommand: (command: unknown) => boolean;
}

export function hookScripts(
  harness: string,
  { tracecraftHome, spool, mail }: SetupContext,
  options: SignalOptions = {},
): HookScripts {
  const signaller = join(tracecraftHome, 'hooks', `${harness}.sh`);
  const mailer = join(tracecraftHome, 'hooks', `mail-${harness}.sh`);
  const commands = [signaller, mailer].map((path) => `sh ${shellQuoted(path)} `);
  return {
    files: [
      { path: signaller, content: signalScript(harness, spool, options) },
      ...(mail === undefined
        ? []
        : [{ path: mailer, content: mailScript(harness, mail.node, mail.program) }]),
    ],
    signal: (kind) => `sh ${shellQuoted(signaller)} ${kind}`,
    mail: (event) => `sh ${shellQuoted(mailer)} ${event}`,
    isOurCommand: (command) =>
      typeof command === 'string' && commands.some((one) => command.startsWith(one)),
  };
}

/**
 * The shape several harnesses share: per event, lists of groups of handlers. `limits` is how long each may take, as the
 * harness spells it.
 */
export function hookGroups(
  events: Readonly<Record<string, string>>,
  limits: { readonly timeout?: number } = { timeout: hookTimeout },
): readonly Wanted[] {
  return Object.entries(events).map(([event, command]) => ({
    path: ['hooks', event],
    value: { hooks: [{ type: 'command', command, ...limits }] },
  }));
}

/** The command that shows mail, at each of these events. */
export function mailCommands(
  scripts: HookScripts,
  { mail }: SetupContext,
  events: readonly string[],
): Record<string, string> {
  if (mail === undefined) return {};
  return Object.fromEntries(events.map((event) => [event, scripts.mail(event)]));
}

export function isOurGroup(isOurCommand: HookScripts['isOurCommand']): IsOurs {
  return (_path, _name, value) => {
    const handlers: unknown = Reflect.get(Object(value), 'hooks');
    if (!Array.isArray(handlers) || handlers.length === 0) return false;
    return handlers.every((one) => isOurCommand(Reflect.get(Object(one), 'command')));
  };
}

/** What harnesses with such groups take from a hook as context for the agent. */
export function additionalContext(event: string, text: string): object {
  return { hookSpecificOutput: { hookEventName: event, additionalContext: text } };
}
