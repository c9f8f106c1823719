import { parseEnv } from 'node:util';
import { isWordy } from './entropy.js';

/**
 * The user's own secrets: values of variables with secret-looking names. They are held in memory
 * only. Every transcript on this machine is searched for them, so a value made of words is left
 * out: it would be replaced in prose, in paths and in fields that a harness writes. After its name,
 * the assignment detector finds it anyway.
 */
type Variables = Readonly<Record<string, string | undefined>>;

/** Secret-looking endings, at the end of a name or before a number: `GITHUB_TOKEN`, `DB_PASSWORD`, `apiKey2`. */
const secretEnding =
  /(?:token|secret|password|passwd|passphrase|pwd|api_?key|access_?key|private_?key|secret_?key|auth_?key|encryption_?key|signing_?key|credentials?|dsn|connection_?string)(?:_?\d+)?$/i;
const keyEnd = /(?:^|_)key(?:_?\d+)?$/i;
/** Names with such an ending that do not hold a secret. */
const harmless =
  /(?:public|publishable|host|ssh_auth_sock|max|min|num|count)_?(?:api_?)?(?:key|tokens?)$/i;
/** Values that point to a secret instead of being one. */
const reference = /^(?:\/|~\/|\.{1,2}\/|[a-z]:\\|op:\/\/|vault:|\$\{?[A-Z_]+\}?$)/i;

export function isSecretName(name: string): boolean {
  return (secretEnding.test(name) || keyEnd.test(name)) && !harmless.test(name);
}

/**
 * The values worth searching for everywhere: those of variables with secret-looking or known names,
 * unless they are vocabulary.
 */
export function secretsOf(
  variables: Variables,
  known: ReadonlySet<string> = new Set(),
): readonly string[] {
  return Object.entries(variables)
    .filter(([name]) => known.has(name) || isSecretName(name))
    .map(([, value]) => value?.trim() ?? '')
    .filter((value) => value !== '' && !reference.test(value) && !isVocabulary(value));
}

/**
 * Whether a value consists only of words, numbers and versions: `assistant`, `tool_use_id`,
 * `us-east-1`, `hunter2`.
 */
export function isVocabulary(value: string): boolean {
  return value.split(/[^\p{L}\p{N}]+/u).every((part) => part === '' || isWordOrNumber(part));
}

const longestUnknownWord = 12;
/** `v2`, `4o`, `x86`, `k8s` */
const abbreviation = /^\d{0,3}(?:[A-Z]?[a-z]{1,3}|[A-Z]{1,3})\d{0,4}$|^[a-z]\d{1,2}[a-z]$/;
const wordsAndNumbers = /^(?:\p{L}{3,}\d{0,4}){1,3}$/u;

function isWordOrNumber(part: string): boolean {
  if (/^\d+$/.test(part) || abbreviation.test(part)) return true;
  if (!wordsAndNumbers.test(part)) return false;
  const letters = part.replace(/\d+/g, '');
  if (/[^\x20-\x7e]/.test(letters)) return true;
  const isOneWord = /^\p{L}+\d*$/u.test(part) && letters.length <= longestUnknownWord;
  return isOneWord || isWordy(letters);
}

/** Like `secretsOf`, for the text of a `.env` file. Lines that are not assignments are ignored. */
export function secretsOfDotEnv(text: string): readonly string[] {
  return secretsOf(parseEnv(text));
}

/** `.env`, `.env.local`, `.env.production`; not the examples kept in a repository. */
export function isDotEnv(fileName: string): boolean {
  return (
    /^\.env(?:\.[\w.-]+)?$/.test(fileName) && !/(?:example|sample|template|dist)$/.test(fileName)
  );
}
