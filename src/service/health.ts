import { access, constants, lstat, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findSettings, type SettingsContext } from '../config/settings.js';
import { messageOf } from '../errors.js';
import type { WatchView } from '../mirror/watch/watch-view.js';
import { otherDefinition, type ServiceManager, type ServiceState } from './service.js';
import type { Sealed, ServiceSpec } from './spec.js';

/** Something that keeps the service from working, now or at its next start. */
export interface Finding {
  readonly name: string;
  readonly message: string;
  readonly fix: string;
}

const again = 'Run "tracecraft service install" again, with the flags you want.';

/**
 * Whatever is stale, missing or changed since installation. `here` is this tracecraft's surroundings, not the
 * service's.
 */
export async function findTrouble(
  manager: ServiceManager,
  { spec, isEdited }: Sealed,
  state: ServiceState,
  here: SettingsContext,
  view: WatchView | null,
): Promise<readonly Finding[]> {
  const findings = await Promise.all([
    missingPaths(spec),
    secretsTrouble(spec),
    configTrouble(spec, here),
    startTrouble(manager, state),
    upgradedSince(manager, spec, state),
    watchTrouble(state, view),
  ]);
  return [...findings.flat(), ...(isEdited ? [edited(manager)] : [])];
}

async function missingPaths({ node, script, folder }: ServiceSpec): Promise<Finding[]> {
  const checks = [
    { name: 'node-missing', what: 'Node', path: node, mode: constants.X_OK },
    { name: 'tracecraft-missing', what: 'tracecraft', path: script, mode: constants.R_OK },
    { name: 'folder-missing', what: 'the folder', path: folder, mode: constants.X_OK },
  ];
  const found = checks.map(async ({ name, what, path, mode }) =>
    (await can(access(path, mode)))
      ? []
      : [{ name, message: `${what} is no longer at ${path}`, fix: again }],
  );
  return (await Promise.all(found)).flat();
}

async function secretsTrouble({ secrets }: ServiceSpec): Promise<Finding[]> {
  if (secrets === null) return [];
  const found = await lstat(secrets).catch(() => undefined);
  if (found === undefined) {
    const message = `the environment file is gone: ${secrets}`;
    return [{ name: 'secrets-missing', message, fix: again }];
  }
  if ((found.mode & 0o077) === 0) return [];
  const message = `others can read the credentials in ${secrets}`;
  return [{ name: 'secrets-readable', message, fix: `chmod 600 ${secrets}` }];
}

/** The config that applies to the service, looked up the way it will do it. */
async function configTrouble(spec: ServiceSpec, here: SettingsContext): Promise<Finding[]> {
  const home = spec.variables.HOME ?? here.home;
  try {
    const settings = await findSettings({
      ...here,
      cwd: spec.folder,
      env: { ...spec.variables, HOME: home },
      home,
    });
    // Without any config, `watch` writes one on its first start.
    if (settings === undefined) {
      if (spec.config === null) return [];
      const message = `the config is no longer at ${spec.config}`;
      return [{ name: 'config-missing', message, fix: again }];
    }
    if (!settings.trusted) {
      const message = `not a trusted config: ${settings.file.path}`;
      const fix = `Ask a person to review it: "tracecraft trust" in ${spec.folder}.`;
      return [{ name: 'config-untrusted', message, fix }];
    }
    if (spec.config === null || settings.file.path === spec.config) return [];
    const message = `another config applies now: ${settings.file.path}, not ${spec.config}`;
    return [{ name: 'config-changed', message, fix: again }];
  } catch (error) {
    const message = messageOf(error);
    return [{ name: 'config-unusable', message, fix: 'Correct it; the service then continues.' }];
  }
}

async function startTrouble(manager: ServiceManager, state: ServiceState): Promise<Finding[]> {
  const { link, definition, kind } = manager;
  const findings: Finding[] = [];
  if (link !== undefined && (await readlink(link.path).catch(() => undefined)) !== link.target) {
    const message = 'it does not start at login: the link that starts it is missing';
    findings.push({ name: 'not-at-login', message, fix: again });
  }
  const other = await otherDefinition(manager, state);
  if (other !== undefined) {
    const message = `${kind} uses another definition: ${other}, not ${definition}`;
    const fix = 'Remove that one, or unset XDG_CONFIG_HOME and HOME if they differ from it.';
    findings.push({ name: 'other-definition', message, fix });
  }
  return findings;
}

/** What the running watch wrote down of itself. */
async function watchTrouble(state: ServiceState, view: WatchView | null): Promise<Finding[]> {
  if (!state.isReachable || !state.isRunning || !view?.running) return [];
  const unread = view.unreadable.map(({ message, since }) => ({
    name: 'source-unreadable',
    message: `${message} (since ${since})`,
    fix: 'Make it readable; everything else is mirrored.',
  }));
  const [first] = view.behind;
  if (first === undefined) return unread;
  const since = `behind since ${view.behind_since}`;
  const many = `${view.behind_count} streams are ${since}, e.g.`;
  const message = `${view.behind_count === 1 ? `${since}:` : many} ${first.source}: ${first.reason}`;
  return [...unread, { name: 'watch-behind', message, fix: 'It keeps trying; remove the cause.' }];
}

/** Parts of the program load on demand: an old process cannot rely on a new version's files. */
async function upgradedSince(
  { restartCommand }: ServiceManager,
  { script }: ServiceSpec,
  state: ServiceState,
): Promise<Finding[]> {
  if (!state.isReachable || state.sinceMs === null) return [];
  const changed = await changedMs(script);
  if (changed === undefined || changed <= state.sinceMs) return [];
  const message = 'tracecraft was upgraded since the service started';
  return [{ name: 'upgraded', message, fix: `Restart it: ${restartCommand}` }];
}

async function changedMs(script: string): Promise<number | undefined> {
  try {
    const real = await realpath(script);
    const files = [real, join(dirname(dirname(real)), 'dist', 'cli.cjs')];
    const stats = await Promise.all(files.map((file) => stat(file)));
    return Math.max(...stats.map(({ ctimeMs }) => ctimeMs));
  } catch {
    return undefined;
  }
}

function edited({ definition }: ServiceManager): Finding {
  return {
    name: 'edited',
    message: `${definition} was changed since tracecraft wrote it`,
    fix: 'Keep what you need of it in a drop-in, then "tracecraft service install --force".',
  };
}

function can(attempt: Promise<void>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}
