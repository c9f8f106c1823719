import { harnessNames } from '../../watchers/names.js';
import type { Settings } from '../config/settings.js';
import { nodeIo } from '../io.js';
import type { ReferenceScope } from '../sessions/find.js';
import { LastList } from '../sessions/last-list.js';
import { terminalHere } from './coordination.js';
import { possibleSessions, sessionHere } from './shell-session.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** The scope for resolving session references in this shell and folder. */
export async function referencesHere(
  settings: Settings,
  env: Environment,
  harness?: string,
): Promise<ReferenceScope> {
  return {
    harnesses: harness === undefined ? harnessNames : [harness],
    current: possibleSessions(await sessionHere(env, harness)),
    folder: process.cwd(),
    listed: await (await lastListHere(settings, env)).read(),
  };
}

/** The rows last listed in this terminal. */
export async function lastListHere(settings: Settings, env: Environment): Promise<LastList> {
  return new LastList(nodeIo, settings.stateFolder, await terminalHere(env));
}
