import type { BucketTarget } from '../bucket/open.js';
import type { Clock } from '../clock.js';
import { NotAllowedError, NotFoundError, UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { checkName } from '../protocol/names.js';
import { durationMs } from './duration.js';
import {
  type ConfigContext,
  type ConfigFile,
  findHomeConfig,
  findProjectConfig,
  localRoot,
  tracecraftHome,
} from './files.js';
import { placeText } from './place.js';
import {
  type ConfigDocument,
  isEndpoint,
  type RedactSettings,
  type WatchSettings,
} from './schema.js';
import { openTrustStore } from './trust.js';

/** Who said it: a variable of the environment, a config file, or nobody. */
export type Source =
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'project' | 'home'; readonly path: string }
  | { readonly kind: 'default' };

/** Everything a command needs to know of its surroundings, and which config won. */
export interface Settings {
  /** The config that names the destination: one file names all of it, so that no other's keys reach its endpoint. */
  readonly file: ConfigFile;
  /** Whether that config is the user's word: the home folder's own, or recorded by `init` or `trust`. */
  readonly trusted: boolean;
  /** To look at. What opens it takes it from `openableTarget`. */
  readonly target: BucketTarget;
  readonly project: string;
  readonly agent: string | undefined;
  /** Milliseconds; null = claims do not expire; undefined = not set anywhere. */
  readonly claimTtlMs: number | null | undefined;
  readonly redact: RedactSettings;
  readonly watch: WatchSettings;
  readonly source: {
    readonly destination: Source;
    readonly agent: Source;
    readonly endpoint: Source;
    readonly claimTtl: Source;
  };
  /** What its user should know, e.g. that others can read the keys in it. */
  readonly warnings: readonly string[];
  /** The folder of trust records, local state and the home config. */
  readonly stateFolder: string;
}

export interface SettingsContext extends ConfigContext {
  readonly io: Io;
  readonly clock: Clock;
}

/** `undefined` when there is no config at all. A config that is there and cannot be used is a `UsageError`. */
export async function findSettings(context: SettingsContext): Promise<Settings | undefined> {
  const stateFolder = tracecraftHome(context);
  const home = await findHomeConfig(context);
  const project = await findProjectConfig(context);
  // A link to the home config is the home config.
  const file = project === undefined || project.path === home?.path ? home : project;
  if (file === undefined) return undefined;
  const trusted = file.scope === 'home' || (await isRecorded(context, file));
  return resolveSettings({ context, stateFolder, file, home, trusted });
}

/** As `findSettings`, but none is a `NotFoundError`. */
export async function loadSettings(context: SettingsContext): Promise<Settings> {
  const settings = await findSettings(context);
  if (settings !== undefined) return settings;
  throw new NotFoundError(
    `no config: no .tracecraft.json in ${context.cwd} or above, none in ${tracecraftHome(context)}`,
    { hint: 'Write one with "tracecraft init" (this project) or "tracecraft init --global".' },
  );
}

/**
 * As `findSettings`, for what works without a bucket: a config that nobody trusted decides nothing there, so the home
 * folder's own holds in its place.
 */
export async function findTrustedSettings(
  context: SettingsContext,
): Promise<{ readonly settings: Settings | undefined; readonly ignored: ConfigFile | undefined }> {
  const settings = await findSettings(context);
  if (settings === undefined || settings.trusted) return { settings, ignored: undefined };
  const stateFolder = tracecraftHome(context);
  const home = await findHomeConfig(context);
  const own =
    home === undefined
      ? undefined
      : resolveSettings({ context, stateFolder, file: home, home, trusted: true });
  return { settings: own, ignored: settings.file };
}

/** As `findSettings`, for a destination that a program names itself instead of any config; relative paths are relative to `cwd`. */
export function explicitSettings(document: ConfigDocument, context: SettingsContext): Settings {
  const file: ConfigFile = {
    path: 'the given destination',
    folder: context.cwd,
    scope: 'home',
    sha256: '',
    readableByOthers: false,
    document,
  };
  const stateFolder = tracecraftHome(context);
  return resolveSettings({ context, stateFolder, file, home: undefined, trusted: true });
}

/** The agent's name, or a `UsageError` that says where to set it. */
export function requireAgent(settings: Pick<Settings, 'agent' | 'file'>): string {
  if (settings.agent !== undefined) return settings.agent;
  throw new UsageError(`no agent name: ${settings.file.path} has no agent_id`, {
    hint: 'Set TRACECRAFT_AGENT, or agent_id in that file.',
  });
}

/** What somebody is told, and so often an agent, who meets a config that nobody trusted. */
export const trustHint =
  'Ask the person you work for: only they can allow it, with "tracecraft trust".\nAn agent never trusts a config by itself.';

/**
 * A `NotAllowedError` unless the config that won is trusted. A bucket is named by a config and by nothing else, so no
 * endpoint, profile or key of the environment makes an untrusted one the user's own word.
 */
export function requireTrusted({ file, trusted, target }: Settings): void {
  if (trusted) return;
  throw new NotAllowedError(
    `not a trusted config: ${file.path}: it would talk to ${placeText(target)}`,
    { hint: trustHint },
  );
}

/** The target to open: whatever reads or writes a bucket gets it here, and nothing does by way of an untrusted config. */
export function openableTarget(settings: Settings): BucketTarget {
  requireTrusted(settings);
  return settings.target;
}

async function isRecorded(context: SettingsContext, file: ConfigFile): Promise<boolean> {
  return openTrustStore(context, context.io, context.clock).isTrusted(file);
}

interface FoundConfig {
  readonly context: SettingsContext;
  readonly stateFolder: string;
  readonly file: ConfigFile;
  readonly home: ConfigFile | undefined;
  readonly trusted: boolean;
}

function resolveSettings(found: FoundConfig): Settings {
  const { file, trusted, stateFolder } = found;
  const endpoint = resolveEndpoint(found);
  const agent = resolveAgent(found);
  const ttl = resolveClaimTtl(found);
  return {
    file,
    trusted,
    target: resolveTarget(file.document, {
      folder: file.folder,
      home: found.context.home,
      endpoint: endpoint.value,
    }),
    project: file.document.project,
    agent: agent.value,
    claimTtlMs: ttl.value,
    redact: resolveRedact(found),
    watch: file.document.watch,
    source: {
      destination: sourceOf(file),
      agent: agent.source,
      endpoint: endpoint.source,
      claimTtl: ttl.source,
    },
    warnings: warningsOf(file),
    stateFolder,
  };
}

interface Resolved<Value> {
  readonly value: Value;
  readonly source: Source;
}

function resolveAgent({ context, file, home }: FoundConfig): Resolved<string | undefined> {
  const named = context.env.TRACECRAFT_AGENT;
  if (named !== undefined && named !== '') {
    return { value: checkName('agent', named), source: environment('TRACECRAFT_AGENT') };
  }
  const config = [file, home].find((one) => one?.document.agent_id != null);
  const value = config?.document.agent_id ?? undefined;
  return { value, source: config === undefined ? { kind: 'default' } : sourceOf(config) };
}

function resolveClaimTtl({ file, home }: FoundConfig): Resolved<number | null | undefined> {
  const config = [file, home].find((one) => one?.document.claim_ttl != null);
  const text = config?.document.claim_ttl;
  if (config === undefined || text == null)
    return { value: undefined, source: { kind: 'default' } };
  return { value: text === 'none' ? null : durationMs(text), source: sourceOf(config) };
}

/** Where each kind of store's own tools look for an endpoint. */
const endpointVariables = {
  local: [],
  s3: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
  hf: ['HF_ENDPOINT'],
} as const;

function resolveEndpoint({ context, file }: FoundConfig): Resolved<string | undefined> {
  const { value, variable } = endpointOf(file.document, context.env);
  if (value === undefined) return { value, source: { kind: 'default' } };
  return { value, source: variable === undefined ? sourceOf(file) : environment(variable) };
}

/** The config's own endpoint, else the environment's; without either it is Amazon's or Hugging Face's own. */
function endpointOf(
  { backend, endpoint }: ConfigDocument,
  env: ConfigContext['env'],
): { readonly value: string | undefined; readonly variable: string | undefined } {
  if (backend === 'local') return { value: undefined, variable: undefined };
  if (endpoint !== null) return { value: endpoint, variable: undefined };
  const variable = endpointVariables[backend].find((one) => (env[one] ?? '') !== '');
  const value = variable === undefined ? undefined : env[variable];
  if (variable === undefined || value === undefined || isEndpoint(value))
    return { value, variable };
  throw new UsageError(`${variable} is not an http or https address`, {
    hint: 'Correct or unset it, or name the endpoint in the config.',
  });
}

/** What `init` opens before there is a file: whoever typed the flags vouches for the endpoint. */
export function plannedTarget(document: ConfigDocument, context: ConfigContext): BucketTarget {
  const endpoint = endpointOf(document, context.env).value;
  const { cwd: folder, home } = context;
  return resolveTarget(document, { folder, home, endpoint });
}

interface SettingsScope {
  readonly folder: string;
  readonly home: string;
  readonly endpoint: string | undefined;
}

function resolveTarget(document: ConfigDocument, place: SettingsScope): BucketTarget {
  const { backend, bucket, region, profile, access_key, secret_key, hf_token } = document;
  const { endpoint } = place;
  if (backend === 'local') return { backend, root: localRoot(bucket, place.folder, place.home) };
  if (backend === 'hf') {
    return {
      backend,
      bucket,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(hf_token === null ? {} : { token: hf_token }),
    };
  }
  return {
    backend,
    bucket,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === null ? {} : { region }),
    ...(profile === null ? {} : { profile }),
    ...(access_key === null ? {} : { accessKey: access_key }),
    ...(secret_key === null ? {} : { secretKey: secret_key }),
  };
}

/** The user's own patterns hold everywhere; what is let through is decided only by the config that won. */
function resolveRedact({ file, home }: FoundConfig): RedactSettings {
  const own = file.document.redact;
  const everywhere = home === undefined || home === file ? [] : home.document.redact.patterns;
  return { ...own, patterns: [...everywhere, ...own.patterns] };
}

function warningsOf(file: ConfigFile): string[] {
  const { access_key, secret_key, hf_token } = file.document;
  const holdsKeys = [access_key, secret_key, hf_token].some((key) => key !== null);
  if (!holdsKeys || !file.readableByOthers) return [];
  return [`${file.path} holds keys and others can read it: chmod 600 ${file.path}`];
}

function sourceOf(file: ConfigFile): Source {
  return { kind: file.scope, path: file.path };
}

function environment(name: string): Source {
  return { kind: 'environment', name };
}
