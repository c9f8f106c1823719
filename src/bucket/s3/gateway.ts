import { Readable } from 'node:stream';
import { UnreachableError } from '../../errors.js';

/**
 * Some stores answer GetObject with a redirect to the bytes, e.g. Hugging Face's gateway
 * (https://huggingface.co/docs/hub/storage-buckets-s3), which the SDK does not follow. Only the body of the
 * redirected answer belongs to the object: its ETag is another server's.
 */
export interface RedirectMemory {
  /** Whether this endpoint redirects reads: known in advance for known hosts, otherwise after its first redirect. */
  redirects: boolean;
}

const redirectingHosts: readonly string[] = ['s3.hf.co'];

export function rememberRedirects(endpoint: string | undefined): RedirectMemory {
  const host = endpoint === undefined ? '' : new URL(endpoint).hostname;
  return { redirects: redirectingHosts.includes(host) };
}

interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a GetObject is redirected to. 307 and 301 are Amazon's answers for wrong regions, and must be signed again. */
export function redirectOf(answer: unknown, endpoint: string | undefined): URL | undefined {
  if (!isHttpAnswer(answer) || (answer.statusCode !== 302 && answer.statusCode !== 303)) {
    return undefined;
  }
  const { location } = answer.headers;
  if (location === undefined || !URL.canParse(location, endpoint)) return undefined;
  const target = new URL(location, endpoint);
  const isAllowed =
    target.protocol === 'https:' || (target.protocol === 'http:' && endpoint?.startsWith('http:'));
  if (isAllowed !== true) {
    throw new UnreachableError(`the store redirects reads to ${target.protocol}//${target.host}`, {
      hint: 'Only https is followed. Is the endpoint the right one?',
    });
  }
  return target;
}

/** The request for the bytes carries nothing of ours but the range, and above all no signature. */
export function followingRequest(target: URL, range: string | undefined): object {
  return {
    protocol: target.protocol,
    hostname: target.hostname,
    ...(target.port === '' ? {} : { port: Number(target.port) }),
    method: 'GET',
    path: `${target.pathname}${target.search}`,
    headers: { host: target.host, ...(range === undefined ? {} : { range }) },
  };
}

/** The redirect target's own failures have nothing to do with our credentials or the object. */
export function assertFollowed(answer: unknown, target: URL): void {
  const status = isHttpAnswer(answer) ? answer.statusCode : 0;
  if ((status >= 200 && status < 300) || status === 416) return;
  throw new UnreachableError(`the store sent us to ${target.host}, which answered ${status}`);
}

/** An unread answer would keep its connection open. */
export function discardBody(answer: unknown): void {
  const body = isHttpAnswer(answer) && 'body' in answer ? answer.body : undefined;
  if (body instanceof Readable) body.resume();
}

export function isHttpAnswer(answer: unknown): answer is HttpAnswer {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'statusCode' in answer &&
    typeof answer.statusCode === 'number' &&
    'headers' in answer &&
    typeof answer.headers === 'object' &&
    answer.headers !== null
  );
}
