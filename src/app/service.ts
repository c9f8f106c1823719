import { join, resolve } from 'node:path';
import { tracecraftHome } from '../config/files.js';
import {
  findSettings,
  requireTrusted,
  type Settings,
  type SettingsContext,
} from '../config/settings.js';
import type { Examined, Finding } from '../doctor/finding.js';
import { UnsupportedError, UsageError } from '../errors.js';
import type { WatchView } from '../mirror/watch/watch-view.js';
import {
  type Carried,
  carriedVariables,
  environmentFile,
  missingCredentials,
} from '../service/environment.js';
import { stableNode, stableScript } from '../service/executable.js';
import { findTrouble } from '../service/health.js';
import { type Order, readDefinition } from '../service/installation.js';
import { launchdManager } from '../service/launchd.js';
import { runProgram } from '../service/run.js';
import type { ServiceManager } from '../service/service.js';
import type { ServiceSpec } from '../service/spec.js';
import { systemdManager } from '../service/systemd.js';
import { recordedHome, userLabel } from '../system-user.js';
import { watchViewOf } from './watch-view.js';

type ManagerKind = ServiceManager['kind'];

/** This system's service manager, or the named one. */
export function openManager(context: SettingsContext, kind = kindHere()): ServiceManager {
  const { home, env, clock } = context;
  if (kind === 'launchd') {
    return launchdManager({ home, uid: process.getuid?.() ?? -1, run: runProgram, clock });
  }
  return systemdManager({
    env,
    home,
    user: userLabel(env),
    run: runProgram,
    clock,
    // On Linux, Node's monotonic clock is CLOCK_MONOTONIC.
    monotonicUs: () => Number(process.hrtime.bigint() / 1_000n),
  });
}

function kindHere(): ManagerKind {
  if (process.platform === 'linux') return 'systemd';
  if (process.platform === 'darwin') return 'launchd';
  throw new UnsupportedError(`no service manager is known for ${process.platform}`, {
    hint: 'Run "tracecraft watch" with whatever starts programs on that system.',
  });
}

interface ServiceRequest {
  /** Extra flags for `watch`. */
  readonly args: readonly string[];
  /** Names of variables that hold credentials. */
  readonly secretNames: readonly string[];
  readonly isForced: boolean;
  readonly version: string;
  /** tracecraft's own executable. */
  readonly script: string;
}

export interface PlannedService {
  readonly order: Order;
  readonly settings: Settings | undefined;
  /** What the user should know before relying on it. */
  readonly remarks: readonly string[];
}

/**
 * Determines everything the service consists of from the current settings. Refuses whatever `watch`
 * would refuse.
 */
export async function planService(
  manager: ServiceManager,
  context: SettingsContext,
  request: ServiceRequest,
): Promise<PlannedService> {
  const settings = await findSettings(context);
  if (settings !== undefined) requireTrusted(settings);
  const carried = withHome(carriedVariables(context.env), context.home);
  const folder = settings?.file.scope === 'project' ? settings.file.folder : context.home;
  await requireSameConfig(settings, folder, context, carried);
  const node = await stableNode({ env: context.env, execPath: process.execPath });
  const script = await stableScript(process.argv[1], request.script);
  const secrets = environmentFile(request.secretNames, context.env);
  const log = manager.log ?? null;
  return {
    settings,
    remarks: remarksOf({ settings, carried, context, request, paths: [node, script] }),
    order: {
      spec: {
        version: request.version,
        node: node.path,
        script: script.path,
        args: ['watch', '--wait', ...request.args, ...(log === null ? [] : ['--log-file', log])],
        folder,
        config: settings?.file.path ?? null,
        variables: carried.variables,
        secrets: secrets === '' ? null : join(tracecraftHome(context), 'service.env'),
        log,
      },
      secrets: secrets === '' ? undefined : secrets,
      isForced: request.isForced,
    },
  };
}

/** The service would not see a home folder that is set only in this shell. */
function withHome(carried: Carried, home: string): Carried {
  if (home === recordedHome()) return carried;
  return { ...carried, variables: { HOME: home, ...carried.variables } };
}

/** Started in its own folder, the service must find the config that applies here. */
async function requireSameConfig(
  settings: Settings | undefined,
  folder: string,
  context: SettingsContext,
  { variables }: Carried,
): Promise<void> {
  const there = await findSettings({ ...context, cwd: folder, env: variables });
  if (there?.file.path === settings?.file.path) return;
  throw new UsageError(
    `a service in ${folder} would use ${there?.file.path ?? 'no config'}, not ${settings?.file.path ?? 'none'}`,
    { hint: 'Install it from the folder whose config it should use.' },
  );
}

interface Known {
  readonly settings: Settings | undefined;
  readonly carried: Carried;
  readonly context: SettingsContext;
  readonly request: ServiceRequest;
  readonly paths: readonly { readonly path: string; readonly isStable: boolean }[];
}

function remarksOf({ settings, carried, context, request, paths }: Known): string[] {
  const remarks: string[] = [];
  if (settings === undefined) {
    remarks.push(
      'No config yet: the service writes one for your home folder when it first starts.',
    );
  }
  for (const { path } of paths.filter(({ isStable }) => !isStable)) {
    remarks.push(
      `an upgrade may remove ${path}: "tracecraft service status" will say so, and installing again fixes it.`,
    );
  }
  for (const name of carried.leftOut.filter((one) => !request.secretNames.includes(one))) {
    remarks.push(
      `${name} contains a password and was left out; --env ${name} keeps it in a file of mode 600.`,
    );
  }
  return [...remarks, ...credentialRemarks(settings, context, request)];
}

function credentialRemarks(
  settings: Settings | undefined,
  { env }: SettingsContext,
  { secretNames }: ServiceRequest,
): string[] {
  if (settings === undefined) return [];
  const { target } = settings;
  const isOwn =
    (target.backend === 's3' && target.accessKey !== undefined) ||
    (target.backend === 'hf' && target.token !== undefined);
  const names = isOwn ? [] : missingCredentials(target.backend, env, secretNames);
  if (names.length === 0) return [];
  const flags = names.map((name) => `--env ${name}`).join(' ');
  return [
    `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} set here, and the service will not have ${names.length === 1 ? 'it' : 'them'}: ${flags} keeps them in a file of mode 600, a profile is better.`,
  ];
}

/** The folder as the service will see it. */
export function absoluteFolder(path: string, { cwd }: SettingsContext): string {
  return resolve(cwd, path);
}

/** The state of the watch that the service runs; `null` if unknown. */
export async function watchViewOfService(
  spec: ServiceSpec,
  context: SettingsContext,
): Promise<WatchView | null> {
  const home = spec.variables.HOME ?? context.home;
  const env = { ...spec.variables, HOME: home };
  try {
    const settings = await findSettings({ ...context, cwd: spec.folder, env, home });
    return settings?.trusted ? await watchViewOf(settings) : null;
  } catch {
    // An unusable config is a finding of its own.
    return null;
  }
}

/** What is wrong with the installed service, for `doctor`; `undefined` if none is installed. */
export async function examineService(context: SettingsContext): Promise<Examined | undefined> {
  if (process.platform !== 'linux' && process.platform !== 'darwin') return undefined;
  const manager = openManager(context);
  const present = await readDefinition(manager);
  if (present === undefined) return undefined;
  const state = await manager.state();
  const found =
    present.sealed === undefined
      ? []
      : await findTrouble(manager, present.sealed, state, context, null);
  const findings: Finding[] = found.map(({ name, message, fix }) => ({
    name: `service-${name}`,
    severity: 'warning',
    message: `${message}.`,
    fix,
  }));
  const runs = state.isReachable && state.isRunning;
  if (!runs) {
    findings.push({
      name: 'service-not-running',
      severity: 'warning',
      message: `The service is installed and ${state.isReachable ? 'not running' : 'its manager does not answer'}.`,
      fix: 'tracecraft service status',
    });
  }
  return { check: 'service', facts: [manager.definition], findings };
}
