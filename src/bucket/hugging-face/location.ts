import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NotAllowedError, UsageError } from '../../errors.js';
import { homeFolder } from '../../system-user.js';

/**
 * The environment as the Hub's own tools read it:
 * https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
 */
type HubEnvironment = Readonly<Record<string, string | undefined>>;

const defaultEndpoint = 'https://huggingface.co';

export const tokenHint =
  'Looked for a token in the config (hf_token), HF_TOKEN, HUGGING_FACE_HUB_TOKEN and the file that "hf auth login" writes. ' +
  'Create one with write access at https://huggingface.co/settings/tokens.';

/** `user/name`, also from `hf://buckets/user/name`. `UsageError` for an impossible name. */
export function hubBucketName(text: string): string {
  const name = text.replace(/^(hf:\/\/)?buckets\//, '').replace(/\/+$/, '');
  const segment = '[A-Za-z0-9][A-Za-z0-9._-]{0,95}';
  if (new RegExp(`^${segment}/${segment}$`).test(name)) return name;
  throw new UsageError(
    `not the name of a bucket on Hugging Face: ${JSON.stringify(text.slice(0, 100))}`,
    { hint: 'Give user/name or organization/name.' },
  );
}

/** The config's, then HF_ENDPOINT, then the Hub itself; without a trailing slash. */
export function hubEndpoint(named: string | undefined, env: HubEnvironment): string {
  const endpoint = named || env.HF_ENDPOINT || defaultEndpoint;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new UsageError(
      'the Hub endpoint is not an http or https address without user and password',
      { hint: 'Correct endpoint in the config, or HF_ENDPOINT.' },
    );
  }
  return endpoint.replace(/\/+$/, '');
}

/** Safe to print. */
export function hubLocation(bucket: string, endpoint: string): string {
  const place = `hf://buckets/${bucket}`;
  return endpoint === defaultEndpoint ? place : `${place} at ${endpoint}`;
}

interface TokenOptions {
  readonly token: string | undefined;
  readonly env: HubEnvironment;
  readonly location: string;
}

/** The token, or a `NotAllowedError` that never quotes one. */
export async function hubToken({ token, env, location }: TokenOptions): Promise<string> {
  const found = token ?? (await ambientToken(env));
  if (found === undefined) {
    throw new NotAllowedError(`no Hugging Face token for ${location}`, { hint: tokenHint });
  }
  if (/^hf_[\x21-\x7e]+$/.test(found)) return found;
  throw new NotAllowedError(
    `the Hugging Face token for ${location} is invalid: it does not start with hf_`,
    {
      hint: tokenHint,
    },
  );
}

async function ambientToken(env: HubEnvironment): Promise<string | undefined> {
  const named = clean(env.HF_TOKEN) ?? clean(env.HUGGING_FACE_HUB_TOKEN);
  if (named !== undefined) return named;
  const text = await readFile(hubTokenPath(env), 'utf8').catch(() => undefined);
  return clean(text);
}

/** Where the Hub's own tools keep the token. */
export function hubTokenPath(env: HubEnvironment): string {
  if (env.HF_TOKEN_PATH) return env.HF_TOKEN_PATH;
  const cache = env.XDG_CACHE_HOME || join(homeFolder(env), '.cache');
  return join(env.HF_HOME || join(cache, 'huggingface'), 'token');
}

function clean(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === '' ? undefined : trimmed;
}
