import * as v from 'valibot';
import { UsageError } from '../errors.js';
import { hasControlCharacter, isName } from '../protocol/names.js';
import { durationMs } from './duration.js';

/**
 * The fields of `.tracecraft.json` and `~/.tracecraft/config.json`. The first eight are named as the Python tool
 * tracecraft writes them, with null for unset, so its file works unchanged. Unknown fields are refused by name: a
 * misspelt `redact` must not silently redact nothing.
 */
const text = v.pipe(
  v.string('must be a string'),
  v.minLength(1, 'must not be empty'),
  v.maxLength(1024, 'must not be longer than 1024 characters'),
  v.check((value) => !hasControlCharacter(value), 'must not contain control characters'),
);
const name = v.pipe(
  v.string('must be a string'),
  v.check(isName, 'must be 1 to 128 characters of A-Z a-z 0-9 . _ -, not starting with . or _'),
);
const duration = v.pipe(
  v.string('must be a string such as "15m"'),
  v.check((value) => durationMs(value) !== undefined, 'must be a number and a unit, e.g. "15m"'),
);
const region = v.pipe(
  text,
  v.regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, - or _'),
);
const endpoint = v.pipe(
  text,
  v.check(isEndpoint, 'must be an http or https address without user, password, query or fragment'),
);
const pattern = v.pipe(text, v.check(isPattern, 'must be a regular expression'));
const texts = v.pipe(
  v.array(text, 'must be a list of strings'),
  v.maxLength(1000, 'is too long a list'),
);
const optional = <Schema extends v.GenericSchema>(schema: Schema) =>
  v.optional(v.nullable(schema), null);

const redactSchema = v.strictObject({
  /** Extra secrets to redact, each as `[REDACTED:<name>]`. */
  patterns: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          name: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,64}$/, 'must be 1 to 64 of a-z 0-9 -')),
          pattern,
        }),
        'must be a list of {"name", "pattern"}',
      ),
      v.maxLength(200, 'is too long a list'),
    ),
    [],
  ),
  /** Texts that look like secrets but are not. */
  allow: v.optional(texts, []),
  /** Names of rules to switch off. */
  disable: v.optional(texts, []),
});

const watchSchema = v.strictObject({
  interval: v.optional(duration),
  since: v.optional(duration),
  harness: v.optional(
    v.pipe(v.array(name, 'must be a list of harnesses'), v.minLength(1, 'must not be empty')),
  ),
});

const searchSchema = v.strictObject({
  /** Whether `watch` puts packs into the bucket, for every machine to search in. */
  publish: v.optional(v.boolean('must be true or false'), true),
});

const usd = v.pipe(v.number('must be a number'), v.minValue(0, 'must not be negative'));
/** USD per million tokens. */
const priceSchema = v.strictObject({
  input: usd,
  output: usd,
  cache_read: v.exactOptional(usd),
  cache_write: v.exactOptional(usd),
  cache_write_1h: v.exactOptional(usd),
});

const claimTtl = v.pipe(
  v.string('must be a string such as "2h", or "none"'),
  v.check(
    (value) => value === 'none' || durationMs(value) !== undefined,
    'must be a number and a unit, e.g. "2h", or "none"',
  ),
);

const documentSchema = v.pipe(
  v.strictObject(
    {
      backend: v.picklist(['local', 's3', 'hf'], 'must be one of local, s3, hf'),
      bucket: text,
      project: name,
      agent_id: optional(name),
      /** null means Amazon. */
      endpoint: optional(endpoint),
      access_key: optional(text),
      secret_key: optional(text),
      hf_token: optional(text),
      region: optional(region),
      profile: optional(text),
      /** `sdk` sends every S3 request through the AWS SDK; null means `direct`. */
      transport: optional(v.picklist(['sdk', 'direct'], 'must be sdk or direct')),
      claim_ttl: optional(claimTtl),
      redact: v.optional(redactSchema, {}),
      watch: v.optional(watchSchema, {}),
      search: v.optional(searchSchema, {}),
      /** What models cost, by name, instead of their list price. */
      prices: v.optional(v.record(text, priceSchema, 'must be an object'), {}),
    },
    'must be an object',
  ),
  v.forward(
    v.check(
      (config) => (config.access_key === null) === (config.secret_key === null),
      'needs access_key and secret_key together',
    ),
    ['access_key'],
  ),
);

export type ConfigDocument = v.InferOutput<typeof documentSchema>;
export type RedactSettings = ConfigDocument['redact'];
export type WatchSettings = ConfigDocument['watch'];
export type SearchSettings = ConfigDocument['search'];

const fileHint = 'Correct that file, or write a new one with "tracecraft init --force".';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The parsed config file, or a `UsageError` naming the file, the field and what it should be. */
export function parseConfig(path: string, bytes: Uint8Array): ConfigDocument {
  return checkConfig(`not a usable config: ${path}`, parseJson(path, bytes), fileHint);
}

/** The same for a config that is not in a file yet. `problem` starts the message; `hint` says what to correct. */
export function checkConfig(problem: string, value: unknown, hint: string): ConfigDocument {
  const result = v.safeParse(documentSchema, value);
  if (result.success) return result.output;
  // A misspelt field also makes the right one missing; naming the misspelling says more.
  const issue = result.issues.find(isUnknownField) ?? result.issues[0];
  throw new UsageError(`${problem}: ${describe(issue)}`, { hint });
}

export function isEndpoint(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  return isHttp && `${url.username}${url.password}${url.search}${url.hash}` === '';
}

function describe(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue);
  if (isUnknownField(issue)) return `unknown field ${quoted(field)}`;
  if (field === null) return issue.message;
  const missing = issue.received === 'undefined' && issue.type !== 'check';
  return missing ? `field ${quoted(field)} is missing` : `field ${quoted(field)} ${issue.message}`;
}

/** Valibot reports an unknown key of a strict object as "expected never". */
function isUnknownField(issue: v.BaseIssue<unknown>): boolean {
  return issue.expected === 'never';
}

function parseJson(path: string, bytes: Uint8Array): unknown {
  let json: string;
  try {
    json = utf8.decode(bytes);
  } catch {
    throw invalid(path, 'it is not UTF-8');
  }
  try {
    return JSON.parse(json);
  } catch {
    // Node's message quotes the file's content, which may be a key.
    throw invalid(path, 'it is not JSON');
  }
}

function invalid(path: string, problem: string): UsageError {
  return new UsageError(`not a usable config: ${path}: ${problem}`, { hint: fileHint });
}

function isPattern(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}

function quoted(field: string | null): string {
  return JSON.stringify((field ?? '').slice(0, 80));
}
