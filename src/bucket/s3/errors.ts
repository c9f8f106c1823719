import {
  NotAllowedError,
  NotFoundError,
  TracecraftError,
  UnreachableError,
  UnsupportedError,
  UsageError,
} from '../../errors.js';
import { stopped } from '../aborted.js';

/** What the store was asked, for the message. */
interface S3Request {
  /** e.g. "read p/agents/a.json" */
  readonly action: string;
  /** Safe to print. */
  readonly location: string;
  readonly signal?: AbortSignal | undefined;
}

/** A failed request: what callers branch on, and the error it becomes if they do not. */
export interface S3Failure {
  /** HTTP status; `undefined` if there was no answer. */
  readonly status: number | undefined;
  /** The store's code, e.g. NoSuchKey; the system's, e.g. ECONNRESET; or the SDK's. */
  readonly code: string;
  /** The region the store says the bucket is in. */
  readonly region: string | undefined;
  readonly error: unknown;
}

const credentialsHint =
  'Looked for credentials in the config (access_key, secret_key), AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ' +
  'the AWS profile (profile, AWS_PROFILE, ~/.aws), SSO ("aws sso login") and the role of the machine.';

/**
 * Refusals because of who asks, whatever the status:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const credentialCodes = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidGrantException',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
]);

/** 4xx that say nothing about the request itself: a retry may well succeed. */
const passingCodes = new Set([
  'BadDigest',
  'ConditionalRequestConflict',
  'ConcurrentModification',
  'IncompleteBody',
  'OperationAborted',
  'RequestTimeout',
  'SlowDown',
  'XAmzContentSHA256Mismatch',
]);

const wrongRegionCodes = new Set([
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'PermanentRedirect',
]);

const usageCodes = new Set([
  'InvalidBucketName',
  'KeyTooLong',
  'KeyTooLongError',
  'EntityTooLarge',
]);

/** Classifies an error of the SDK, the network or our own. */
export function failureOf(error: unknown, request: S3Request): S3Failure {
  const status = numberAt(field(error, '$metadata'), 'httpStatusCode');
  const code = nameOf(error);
  const failure = translate(error, status, code, request);
  return { status, code, region: regionOf(error), error: failure };
}

/** True if the bucket is missing, not the key. */
export function isMissingBucket({ code }: S3Failure): boolean {
  return code === 'NoSuchBucket';
}

/** Seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after */
function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function translate(
  error: unknown,
  status: number | undefined,
  code: string,
  request: S3Request,
): unknown {
  if (error instanceof TracecraftError) return error;
  if (request.signal?.aborted === true) return stopped(request.signal);
  // Before any answer: our mistake. Afterwards: the SDK could not make sense of the answer.
  const isMistake = error instanceof TypeError || error instanceof RangeError;
  if (isMistake && status === undefined && code === error.name) return error;
  const said = sayingOf(error, status, code);
  const cause = causeOf(error, code);
  const message = `cannot ${request.action} in ${request.location}: ${said}`;
  if (isProviderFailure(code)) {
    return new NotAllowedError(`no usable credentials for ${request.location}: ${said}`, {
      hint: credentialsHint,
      cause,
    });
  }
  // An answer that broke off, or that is not S3's (a login page), answers nothing.
  if (status === undefined || status < 300) {
    return new UnreachableError(message, { hint: networkHint(code), cause });
  }
  const answer: RefusedAnswer = { status, code, message, cause, error };
  return refusal(answer) ?? busy(answer);
}

interface RefusedAnswer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly cause: Error;
  readonly error: unknown;
}

/** Answers that will not change, however often one asks. */
function refusal({
  status,
  code,
  message,
  cause,
  error,
}: RefusedAnswer): TracecraftError | undefined {
  if (code === 'RequestTimeTooSkewed') {
    const hint = "This machine's clock is wrong by more than the store allows: set it (NTP).";
    return new NotAllowedError(message, { hint, cause });
  }
  if (code === 'NoSuchBucket') {
    const hint = 'Check the bucket name and the endpoint, or create it with "tracecraft init".';
    return new NotFoundError(message, { hint, cause });
  }
  if (wrongRegionCodes.has(code) || status === 301) {
    const region = regionOf(error);
    const hint = `Set region${region === undefined ? '' : ` to ${region}`} in the config.`;
    return new UsageError(message, { hint, cause });
  }
  if (status === 407) {
    const hint = 'The proxy that HTTP_PROXY names wants a user and a password in its address.';
    return new NotAllowedError(message, { hint, cause });
  }
  if (credentialCodes.has(code) || ((status === 401 || status === 403) && code !== 'SlowDown')) {
    return new NotAllowedError(message, { hint: credentialsHint, cause });
  }
  if (usageCodes.has(code)) return new UsageError(message, { cause });
  if (code === 'NoSuchKey' || status === 404) return new NotFoundError(message, { cause });
  if (status === 501 || code === 'NotImplemented') {
    const hint = 'This store does not support that; "tracecraft doctor" shows what it can do.';
    return new UnsupportedError(message, { hint, cause });
  }
  if (status >= 500 || passingCodes.has(code) || [408, 409, 425, 429].includes(status)) {
    return undefined;
  }
  return new UnsupportedError(message, {
    hint: 'The store rejected the request: is the endpoint really an S3 one?',
    cause,
  });
}

function busy({ status, code, message, cause, error }: RefusedAnswer): UnreachableError {
  const retryAfterMs = parseRetryAfter(headerOf(error, 'retry-after'), Date.now());
  const isTooFast = status === 429 || code === 'SlowDown';
  return new UnreachableError(message, {
    hint: isTooFast ? 'The store asks us to slow down.' : 'Try again; the store was busy.',
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Where it happened, without the SDK's error, which carries the request and its session tokens. */
function causeOf(error: unknown, code: string): Error {
  const cause = new Error(textAt(error, 'message') ?? code);
  cause.name = code;
  const stack = textAt(error, 'stack');
  if (stack !== undefined) cause.stack = stack;
  return cause;
}

function networkHint(code: string): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return 'Is this machine online, and is the endpoint spelled correctly?';
  }
  if (code === 'ECONNREFUSED') return 'Nothing listens there: check the endpoint and its port.';
  if (/CERT|ALTNAME|SELF_SIGNED|ISSUER/.test(code)) {
    return "The server's certificate is not trusted: NODE_EXTRA_CA_CERTS can name more authorities.";
  }
  return 'Check the network and the endpoint, then try again.';
}

function isProviderFailure(code: string): boolean {
  return /^(CredentialsProvider|TokenProvider|Provider)Error$/.test(code) || /^SSO/.test(code);
}

/** One line of what the store or the system said, without debugging detail. */
function sayingOf(error: unknown, status: number | undefined, code: string): string {
  const message = textAt(error, 'message') ?? '';
  const isNamed = message.includes(code);
  const named = isNamed ? message : `${code}: ${message}`;
  const words = message === 'UnknownError' || message === '' ? code : named;
  const [line = ''] = words.split('\n', 1);
  return `${line.slice(0, 300)}${status === undefined ? '' : ` (HTTP ${status})`}`;
}

/** The most specific name: the store's code, then the system's, then the error's class. */
function nameOf(error: unknown): string {
  const system = textAt(error, 'code') ?? textAt(firstOf(field(error, 'errors')), 'code');
  return textAt(error, 'Code') ?? system ?? textAt(error, 'name') ?? 'UnknownError';
}

/** The bucket's region, as the refusing store reports it. */
function regionOf(error: unknown): string | undefined {
  return headerOf(error, 'x-amz-bucket-region') ?? textAt(error, 'Region');
}

function headerOf(error: unknown, name: string): string | undefined {
  return textAt(field(field(error, '$response'), 'headers'), name);
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined;
}

function textAt(holder: unknown, name: string): string | undefined {
  const value = field(holder, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberAt(holder: unknown, name: string): number | undefined {
  const value = field(holder, name);
  return typeof value === 'number' ? value : undefined;
}

function field(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null ? Reflect.get(holder, name) : undefined;
}
