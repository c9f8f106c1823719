import { basename, join } from 'node:path';
import type { BucketTarget } from '../bucket/open.js';
import {
  type ConfigContext,
  homeConfigPath,
  localRoot,
  projectConfigName,
  tracecraftHome,
} from '../config/files.js';
import { checkConfig } from '../config/schema.js';
import { plannedTarget } from '../config/settings.js';
import type { NewConfig } from '../config/write.js';
import { UsageError } from '../errors.js';
import { checkName, isName } from '../protocol/names.js';

/** What was requested; everything omitted gets a value that needs no account and no question. */
interface InitWishes {
  readonly backend?: string | undefined;
  readonly bucket?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  readonly accessKey?: string | undefined;
  readonly secretKey?: string | undefined;
  readonly hfToken?: string | undefined;
  readonly isPublic?: boolean | undefined;
  readonly isPrivate?: boolean | undefined;
  readonly project?: string | undefined;
  readonly agent?: string | undefined;
  readonly isGlobal: boolean;
}

export interface InitPlan {
  readonly configPath: string;
  readonly scope: 'project' | 'home';
  readonly config: NewConfig;
  readonly target: BucketTarget;
  /** For a bucket that has to be created, if the store has visibility. */
  readonly visibility: 'private' | 'public';
}

/** Pure: refuses impossible requests before anything is created. `userName` is the operating system's. */
export function planInit(
  wishes: InitWishes,
  context: ConfigContext,
  userName: string | undefined,
): InitPlan {
  const backend = checkBackend(wishes.backend ?? 'local');
  const stateFolder = tracecraftHome(context);
  const folder = wishes.isGlobal ? stateFolder : context.cwd;
  const project =
    wishes.project ?? (wishes.isGlobal ? 'default' : nameFrom(basename(folder), 'default'));
  const agent = wishes.agent ?? (context.env.TRACECRAFT_AGENT || nameFrom(userName ?? '', 'agent'));
  const names = { project: checkName('project', project), agent_id: checkName('agent', agent) };
  refuseStray(wishes, backend);
  const config = configOf(backend, wishes, context, names);
  const document = checkConfig(
    'these flags do not make a valid config',
    config,
    'See "tracecraft init --help".',
  );
  return {
    config,
    target: plannedTarget(document, context),
    visibility: wishes.isPublic ? 'public' : 'private',
    scope: wishes.isGlobal ? 'home' : 'project',
    configPath: wishes.isGlobal ? homeConfigPath(context) : join(context.cwd, projectConfigName),
  };
}

type Names = Pick<NewConfig, 'project' | 'agent_id'>;

type Backend = NewConfig['backend'];
type PlaceFlag =
  | 'endpoint'
  | 'region'
  | 'profile'
  | 'accessKey'
  | 'secretKey'
  | 'hfToken'
  | 'isPublic'
  | 'isPrivate';

/** The backends each flag applies to. */
const flagBackends: Readonly<Record<PlaceFlag, readonly Backend[]>> = {
  endpoint: ['s3', 'hf'],
  region: ['s3'],
  profile: ['s3'],
  accessKey: ['s3'],
  secretKey: ['s3'],
  hfToken: ['hf'],
  isPublic: ['hf'],
  isPrivate: ['hf'],
};

const placeNames = { local: 'in a folder', s3: 'on S3', hf: 'on Hugging Face' } as const;

function refuseStray(wishes: InitWishes, backend: Backend): void {
  const flags = Object.entries(flagBackends) as [PlaceFlag, readonly Backend[]][];
  for (const [flag, backends] of flags) {
    const wish = wishes[flag];
    const [intended] = backends;
    if (wish === undefined || wish === false || intended === undefined) continue;
    if (backends.includes(backend)) continue;
    const name = kebab(flag.replace(/^is/, '')).replace(/^-/, '');
    throw new UsageError(
      `--${name} is for a bucket ${placeNames[intended]}, but the backend is ${backend}`,
      { hint: `Add --backend ${intended} --bucket NAME, or omit that flag.` },
    );
  }
}

function configOf(
  backend: Backend,
  wishes: InitWishes,
  context: ConfigContext,
  names: Names,
): NewConfig {
  if (backend === 'local') return localConfig(wishes, context, names);
  return backend === 'hf' ? hubConfig(wishes, names) : s3Config(wishes, names);
}

function hubConfig({ bucket, endpoint, hfToken }: InitWishes, names: Names): NewConfig {
  if (bucket === undefined || !/^((hf:\/\/)?buckets\/)?[^/\s]+\/[^/\s]+$/.test(bucket)) {
    throw new UsageError('--backend hf needs a bucket as user/name', {
      hint: 'Name it with --bucket USER/NAME; it is created, private, if it does not exist.',
    });
  }
  return {
    backend: 'hf',
    bucket: bucket.replace(/^(hf:\/\/)?buckets\//, ''),
    ...names,
    endpoint: endpoint ?? null,
    ...(hfToken === undefined ? {} : { hf_token: hfToken }),
  };
}

function localConfig(wishes: InitWishes, context: ConfigContext, names: Names): NewConfig {
  // Absolute in the file: on the command line, a relative path starts from where it was typed.
  const bucket =
    wishes.bucket === undefined
      ? join(tracecraftHome(context), 'bucket')
      : localRoot(wishes.bucket, context.cwd, context.home);
  return { backend: 'local', bucket, ...names, endpoint: null };
}

function s3Config(wishes: InitWishes, names: Names): NewConfig {
  const { bucket, endpoint, region, profile, accessKey, secretKey } = wishes;
  if (bucket === undefined) {
    throw new UsageError('--backend s3 needs a bucket', {
      hint: 'Name it with --bucket NAME; it is created if it does not exist.',
    });
  }
  if (bucket.includes('/')) {
    throw new UsageError(`not the name of a bucket on S3: ${JSON.stringify(bucket.slice(0, 80))}`, {
      hint: 'Give the bare name, without s3:// and without a path.',
    });
  }
  if ((accessKey === undefined) !== (secretKey === undefined)) {
    throw new UsageError('--access-key and --secret-key go together', {
      hint: 'Give both, or neither: then the AWS environment, profiles and roles are used.',
    });
  }
  return {
    backend: 's3',
    bucket,
    ...names,
    endpoint: endpoint ?? null,
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    ...(accessKey === undefined ? {} : { access_key: accessKey }),
    ...(secretKey === undefined ? {} : { secret_key: secretKey }),
  };
}

function checkBackend(backend: string): NewConfig['backend'] {
  if (backend === 'local' || backend === 's3' || backend === 'hf') return backend;
  throw new UsageError(`not a backend: ${JSON.stringify(backend.slice(0, 40))}`, {
    hint: 'Use --backend local, --backend s3 or --backend hf.',
  });
}

/** The nearest valid name: replaces other characters with `-`. */
function nameFrom(text: string, otherwise: string): string {
  const name = text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[._-]+|[.-]+$/g, '')
    .slice(0, 128);
  return isName(name) ? name : otherwise;
}

function kebab(flag: string): string {
  return flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
