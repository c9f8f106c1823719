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
  type SearchSettings,
  type WatchSettings,
} from './schema.js';
import { openTrustStore } from './trust.js';

/** Where a value came from: an environment variable, a config file, or nowhere. */
export type Source =
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'project' | 'home'; readonly path: string }
  | { readonly kind: 'default' };

/** Everything a command needs to know about its surroundings, and which config won. */
export interface Settings {
  /**
   * The config that names the destination. One file names all of it, so that no other file's keys reach its endpoint.
   */
  readonly file: ConfigFile;
  /** Whether that config speaks for the user: it is the home folder's own, or `init` or `trust` recorded it. */
  readonly trusted: boolean;
  /** For display. To open it, go through `openableTarget`. */
  readonly target: BucketTarget;
  readonly project: string;
  readonly agent: string | undefined;
  /** Milliseconds; null: claims do not expire; undefined: not set. */
  readonly claimTtlMs: number | null | undefined;
  readonly redact: RedactSettings;
  readonly watch: WatchSettings;
  readonly search: SearchSettings;
  readonly prices: ConfigDocument['prices'];
  readonly source: {
    readonly destination: Source;
    readonly agent: Source;
    readonly endpoint: Source;
    readonly claimTtl: Source;
  };
  /** What the user should know, e.g. that others can read the keys in it. */
  readonly warnings: readonly string[];
  /** Holds trust records, local state and the home config. */
  readonly stateFolder: string;
}

export interface SettingsContext extends ConfigContext {
  readonly io: Io;
  readonly clock: Clock;
}

/** `undefined` if there is no config. One that exists but is unusable is a `UsageError`. */
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

/** Like `findSettings`, but having none is a `NotFoundError`. */
export async function loadSettings(context: SettingsContext): Promise<Settings> {
  const settings = await findSettings(context);
  if (settings !== undefined) return settings;
  throw new NotFoundError(
    `no config: no .tracecraft.json in ${context.cwd} or above, none in ${tracecraftHome(context)}`,
    { hint: 'Write one with "tracecraft init" (this project) or "tracecraft init --global".' },
  );
}

/**
 * Like `findSettings`, for commands that work without a bucket: an untrusted config decides nothing there, so the
 * home config applies instead.
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

/** Like `findSettings`, for a destination that a program names instead of a config; relative paths start from `cwd`. */
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

/** What a user, often an agent, is told about an untrusted config. */
export const trustHint =
  'Ask the person you work for: only they can allow it, with "tracecraft trust".\nAn agent never trusts a config by itself.';

/**
 * Throws `NotAllowedError` unless the winning config is trusted. Only a config names a bucket, so no endpoint,
 * profile or key in the environment can vouch for an untrusted one.
 */
export function requireTrusted({ file, trusted, target }: Settings): void {
  if (trusted) return;
  throw new NotAllowedError(
    `not a trusted config: ${file.path}: it would talk to ${placeText(target)}`,
    { hint: trustHint },
  );
}

/** The target to open. Everything that reads or writes a bucket gets it here, and never through an untrusted config. */
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
    search: file.document.search,
    prices: file.document.prices,
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

/** The config's endpoint, otherwise the environment's; without either, Amazon's or Hugging Face's own. */
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
  const { backend, bucket, region, profile, transport, access_key, secret_key, hf_token } =
    document;
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
    ...(transport === null ? {} : { transport }),
    ...(access_key === null ? {} : { accessKey: access_key }),
    ...(secret_key === null ? {} : { secretKey: secret_key }),
  };
}

/** The user's own patterns always apply; exceptions come only from the winning config. */
function resolveRedact({ file, home }: FoundConfig): RedactSettings {
  const own = file.document.redact;
  const everywhere = home === undefined || home === file ? [] : home.document.redact.patterns;
  return { ...own, patterns: [...everywhere, ...own.patterns] };
}

function warningsOf(file: ConfigFile): string[] {
  const { access_key, secret_key, hf_token } = file.document;
  const holdsKeys = [access_key, secret_key, hf_token].some((key) => key !== null);
  if (!holdsKeys || !file.readableByOthers) return [];
  return [`${file.path} contains keys and others can read it: chmod 600 ${file.path}`];
}

function sourceOf(file: ConfigFile): Source {
  return { kind: file.scope, path: file.path };
}

function environment(name: string): Source {
  return { kind: 'environment', name };
}
