import { basename, join } from 'node:path';
import type { BucketTarget } from '../bucket/open.js';
import {
  type ConfigContext,
  homeConfigPath,
  projectConfigName,
  tracecraftHome,
} from '../config/files.js';
import { checkConfig } from '../config/schema.js';
import { localRoot, plannedTarget } from '../config/settings.js';
import type { NewConfig } from '../config/write.js';
import { UnsupportedError, UsageError } from '../errors.js';
import { checkName, isName } from '../protocol/names.js';

/** What was asked for; whatever is left out gets a value that needs no account and no question. */
export interface InitWishes {
  readonly backend?: string | undefined;
  readonly bucket?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  readonly accessKey?: string | undefined;
  readonly secretKey?: string | undefined;
  readonly project?: string | undefined;
  readonly agent?: string | undefined;
  readonly isGlobal: boolean;
}

export interface InitPlan {
  readonly configPath: string;
  readonly scope: 'project' | 'home';
  readonly config: NewConfig;
  readonly target: BucketTarget;
}

/** Pure: refuses what cannot be meant, before anything is created. `userName` is the one of the operating system. */
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
  const config =
    backend === 'local' ? localConfig(wishes, context, names) : s3Config(wishes, names);
  const document = checkConfig(
    'these flags make no config',
    config,
    'See "tracecraft init --help".',
  );
  return {
    config,
    target: plannedTarget(document, context),
    scope: wishes.isGlobal ? 'home' : 'project',
    configPath: wishes.isGlobal ? homeConfigPath(context) : join(context.cwd, projectConfigName),
  };
}

type Names = Pick<NewConfig, 'project' | 'agent_id'>;

function localConfig(wishes: InitWishes, context: ConfigContext, names: Names): NewConfig {
  const s3Only = ['endpoint', 'region', 'profile', 'accessKey', 'secretKey'] as const;
  const stray = s3Only.find((flag) => wishes[flag] !== undefined);
  if (stray !== undefined) {
    throw new UsageError(`--${kebab(stray)} is for a bucket on S3, and the backend is local`, {
      hint: 'Add --backend s3 --bucket NAME, or leave that flag out.',
    });
  }
  // Absolute in the file: a relative one on the command line is relative to where it was typed.
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
    throw new UsageError('--access-key and --secret-key belong together', {
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
  if (backend === 'local' || backend === 's3') return backend;
  if (backend === 'hf') {
    throw new UnsupportedError('the backend hf is not supported yet in this version', {
      hint: 'Use --backend local or --backend s3.',
    });
  }
  throw new UsageError(`not a backend: ${JSON.stringify(backend.slice(0, 40))}`, {
    hint: 'Use --backend local or --backend s3.',
  });
}

/** The nearest valid name: other characters become `-`. */
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
