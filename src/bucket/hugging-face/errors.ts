import {
  messageOf,
  NotAllowedError,
  NotFoundError,
  TracecraftError,
  UnreachableError,
  UnsupportedError,
} from '../../errors.js';
import { stopped } from '../aborted.js';
import { HubSilence, networkCode } from './fetch.js';
import { tokenHint } from './location.js';

/** What the Hub was asked, for the message. */
export interface HubCall {
  /** e.g. "read p/agents/a.json" */
  readonly action: string;
  readonly signal?: AbortSignal | undefined;
}

interface HubErrorContext extends HubCall {
  /** Safe to print. */
  readonly location: string;
  /** Never shown, even if the server repeats it. */
  readonly token: string | undefined;
}

/** A refusal of our own request; the client's error has the same shape. */
export class HubRefusal extends Error {
  readonly statusCode: number;
  readonly data: unknown;

  constructor(statusCode: number, data: unknown) {
    super(`status ${statusCode}`);
    this.name = 'HubRefusal';
    this.statusCode = statusCode;
    this.data = data;
  }
}

/** HTTP status of a refusal; `undefined` for anything else. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** Wraps an error of the client, the network or our own, once, at the edge. */
export function hubError(error: unknown, context: HubErrorContext): unknown {
  if (error instanceof TracecraftError) return error;
  const { action, location, signal } = context;
  if (signal?.aborted === true) return stopped(signal);
  const failed = `cannot ${action} in ${location}`;
  if (error instanceof HubSilence) {
    const { retryAfterMs } = error;
    return new UnreachableError(`${failed}: ${error.message}`, {
      hint: silenceHint(error),
      cause: error,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
  const status = statusOf(error);
  if (status !== undefined) return refusal(error, status, failed, context);
  if (isMistake(error)) return error;
  const said = redacted(messageOf(error), context);
  return new UnreachableError(`${failed}: ${said}`, {
    hint: 'The answer broke off, or it did not come from the Hub. Try again, and check HF_ENDPOINT.',
    cause: causeOf(error, context),
  });
}

function refusal(
  error: unknown,
  status: number,
  failed: string,
  context: HubErrorContext,
): TracecraftError {
  const said = sayingOf(error, status, context);
  const cause = causeOf(error, context);
  const { location } = context;
  if (status === 401) {
    return new NotAllowedError(`${failed}: the Hub does not accept this token: ${said}`, {
      hint: tokenHint,
      cause,
    });
  }
  if (status === 403) {
    return new NotAllowedError(`${failed}: this token may not do that: ${said}`, {
      hint: 'It needs write access to that bucket: https://huggingface.co/settings/tokens.',
      cause,
    });
  }
  if (status === 404) {
    return new NotFoundError(`there is no ${location}, or this token may not see it: ${said}`, {
      hint: 'Check the name and whose token it is, or create the bucket with "tracecraft init --backend hf".',
      cause,
    });
  }
  if (status === 409 || status === 408 || status === 429 || status >= 500) {
    return new UnreachableError(`${failed}: ${said}`, { hint: 'Try again in a moment.', cause });
  }
  return new UnsupportedError(`${failed}: ${said}`, {
    hint: 'The Hub rejected the request: is the endpoint really a Hugging Face one?',
    cause,
  });
}

function silenceHint({ isTooFast, message }: HubSilence): string {
  if (isTooFast) {
    return 'The Hub asks us to slow down: https://huggingface.co/docs/hub/rate-limits lists its limits.';
  }
  if (isProxyUnused(process.env)) {
    return 'A proxy is named, but Node uses it for the Hub only with NODE_USE_ENV_PROXY=1, from Node 22.21 or 24 on.';
  }
  if (/ENOTFOUND|EAI_AGAIN/.test(message)) {
    return 'Is this machine online, and is the endpoint spelled correctly?';
  }
  if (message.includes('ECONNREFUSED')) {
    return 'Nothing listens there: check the endpoint and its port.';
  }
  if (/CERT|ALTNAME|SELF_SIGNED|ISSUER/.test(message)) {
    return "The server's certificate is not trusted: NODE_EXTRA_CA_CERTS can name more authorities.";
  }
  return 'Check the network and https://status.huggingface.co, then try again.';
}

/** `fetch` is Node's own, and ignores the variables that name a proxy unless told otherwise. */
function isProxyUnused(env: Readonly<Record<string, string | undefined>>): boolean {
  const isNamed = ['HTTPS_PROXY', 'HTTP_PROXY'].some(
    (name) => (env[name] || env[name.toLowerCase()] || '') !== '',
  );
  return isNamed && env.NODE_USE_ENV_PROXY !== '1';
}

/** A bug of ours or the client's; `fetch` reports broken connections as a TypeError, too. */
function isMistake(error: unknown): boolean {
  if (!(error instanceof TypeError || error instanceof RangeError)) return false;
  const isOfNetwork = error.message === 'terminated' || error.message === 'fetch failed';
  return !isOfNetwork && networkCode(error) === error.name;
}

/** The Hub's own words, without the client's trailer, which quotes URLs that grant access. */
function sayingOf(error: unknown, status: number, context: HubErrorContext): string {
  const data = typeof error === 'object' && error !== null && 'data' in error ? error.data : null;
  const said = textAt(data, 'error') ?? textAt(data, 'message');
  return said === undefined || said === '' ? `status ${status}` : redacted(said, context);
}

function textAt(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const field = Object.entries(value).find(([key]) => key === name)?.[1];
  return typeof field === 'string' ? field : undefined;
}

function redacted(text: string, { token }: HubErrorContext): string {
  const safe = token === undefined ? text : text.replaceAll(token, 'hf_…');
  return safe
    .replace(/https?:\/\/\S+/g, (url) => url.split('?')[0] ?? '')
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 300);
}

/** Where it happened, without the client's error, which carries URLs and the whole response. */
function causeOf(error: unknown, context: HubErrorContext): Error {
  if (!(error instanceof Error)) return new Error(redacted(String(error), context));
  const cause = new Error(redacted(error.message, context));
  cause.name = error.name;
  if (error.stack !== undefined) {
    cause.stack = error.stack
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .join('\n');
  }
  return cause;
}
