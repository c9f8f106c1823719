import { folderVariables } from '../../watchers/names.js';
import { UsageError } from '../errors.js';
import type { Variables } from './spec.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where things are and what they are called. Without these, the service would look elsewhere than this shell. */
const carried = [
  'TRACECRAFT_HOME',
  'TRACECRAFT_AGENT',
  ...folderVariables,
  'AWS_PROFILE',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_CA_BUNDLE',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_S3',
  'HF_ENDPOINT',
  'HF_HOME',
  'HF_TOKEN_PATH',
  'NODE_EXTRA_CA_CERTS',
  ...['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [
    name,
    name.toLowerCase(),
  ]),
];

/** Names whose values open a bucket. The service gets them only on request. */
const credentials = {
  local: [],
  s3: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
  hf: ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'],
} as const;

export interface Carried {
  readonly variables: Variables;
  /** Names that are set but left out: a URL with a password in it is a credential. */
  readonly leftOut: readonly string[];
}

/** The current variables the service needs to see the same places. */
export function carriedVariables(env: Environment): Carried {
  const set = carried.flatMap((name) => {
    const value = env[name] ?? '';
    return value.trim() === '' ? [] : [[name, value] as const];
  });
  for (const [name, value] of set) refuseRelative(name, value);
  const isOpen = (entry: readonly [string, string]): boolean => !hasUserInfo(entry);
  return {
    variables: Object.fromEntries(set.filter(isOpen)),
    leftOut: set.filter((entry) => !isOpen(entry)).map(([name]) => name),
  };
}

/** From the service's folder it would lead elsewhere. Some harnesses accept a list. */
function refuseRelative(name: string, value: string): void {
  if (!/_(HOME|DIR|FILE|PATH|BUNDLE|CERTS)$/.test(name)) return;
  const paths = value.split(',').map((path) => path.trim());
  if (paths.every((path) => path === '' || /^[/~]/.test(path))) return;
  throw new UsageError(`${name} is a relative path: ${JSON.stringify(value)}`, {
    hint: 'A service runs in another folder: set it to an absolute path.',
  });
}

function hasUserInfo([name, value]: readonly [string, string]): boolean {
  // A proxy may be named without its scheme.
  if (/_proxy$/i.test(name)) return value.includes('@');
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(value.trim());
}

/** Credentials in this shell that the service will not have, for that kind of bucket. */
export function missingCredentials(
  backend: keyof typeof credentials,
  env: Environment,
  asked: readonly string[],
): readonly string[] {
  return credentials[backend].filter((name) => (env[name] ?? '') !== '' && !asked.includes(name));
}

/**
 * The text of an environment file with these variables' current values. Double quotes with a backslash before `"`,
 * `\`, `$` and a backtick mean the same to systemd (systemd.exec(5), EnvironmentFile) and to a POSIX shell.
 */
export function environmentFile(names: readonly string[], env: Environment): string {
  const lines = [...new Set(names)].sort().map((name) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new UsageError(`not a variable name: ${JSON.stringify(name.slice(0, 40))}`, {
        hint: 'Give only the name; the value is taken from the environment.',
      });
    }
    return `${name}="${escapedValue(name, env[name])}"\n`;
  });
  return lines.join('');
}

function escapedValue(name: string, value: string | undefined): string {
  if (value === undefined || value === '') {
    throw new UsageError(`${name} is not set here`, {
      hint: `Export ${name} first: its value is taken from the environment.`,
    });
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
  if (/[\u0000-\u001f\u007f]/.test(value)) {
    throw new UsageError(`${name} contains a line break or control character`, {
      hint: 'An environment file cannot hold that.',
    });
  }
  return value.replaceAll(/["\\$`]/g, '\\$&');
}
