import { UsageError } from '../errors.js';
import { sha256Hex } from '../sha256.js';

const namePattern = /^[A-Za-z0-9-][A-Za-z0-9._-]{0,127}$/;
const maxKeyBytes = 900;
const maxIdLength = 180;

type NameKind = 'agent' | 'project' | 'step' | 'harness' | 'writer';

/** Returns the name, or throws a `UsageError` that says what a name may be. */
export function checkName(kind: NameKind, value: string): string {
  if (isName(value)) return value;
  throw new UsageError(`not a name for ${article(kind)} ${kind}: ${quoted(value)}`, {
    hint: 'Use 1 to 128 characters of A-Z a-z 0-9 . _ -, not starting with . or _, without "..".',
  });
}

export function isName(value: string): boolean {
  return namePattern.test(value) && !value.includes('..');
}

/** Converts a step as people write it (`S1.A`) to the form used in keys (`s1-a`). */
export function stepId(value: string): string {
  return checkName('step', checkName('step', value).toLowerCase().replaceAll('.', '-'));
}

/** Whether it is a step in the form used in keys. */
export function isStepId(value: string): boolean {
  return isName(value) && stepId(value) === value;
}

/** A dotted memory key, e.g. `design.contract`. */
export function checkMemoryKey(value: string): string {
  const valid = isName(value) && !value.endsWith('.');
  if (valid) return value;
  throw new UsageError(`not a memory key: ${quoted(value)}`, {
    hint: 'Use dotted names of A-Z a-z 0-9 _ -, e.g. design.contract.',
  });
}

/** An artifact's name: `/` makes folders; no empty, `.` or `..` segment, no backslash, no control character. */
export function checkArtifactName(value: string): string {
  if (isArtifactName(value)) return value;
  throw new UsageError(`not an artifact name: ${quoted(value)}`, {
    hint: 'Use a relative name such as build/patch.diff, without "..", backslashes or control characters.',
  });
}

export function isArtifactName(value: string): boolean {
  const segments = value.split('/');
  return (
    Buffer.byteLength(value) <= maxKeyBytes &&
    !hasControlCharacter(value) &&
    !value.includes('\\') &&
    segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..')
  );
}

/**
 * A harness's own id as one key segment: characters outside `A-Z a-z 0-9 . _ -` become `~` and two hex digits per
 * UTF-8 byte (never `%`, `#` or `?`, because some stores put keys into URLs unescaped), as do a leading `.` or `_`
 * and a dot after a dot. An id too long for a file name keeps its start, then `~~` and a hash of the whole.
 */
export function encodeId(id: string): string {
  if (id === '') throw new UsageError('an id is empty');
  if (isPlain(id)) return id;
  const encoded = id
    .replace(/[^A-Za-z0-9._-]/gu, (character) => hexBytes(character))
    .replace(/^[._]/, (character) => hexBytes(character))
    .replace(/(?<=\.)\./g, () => hexBytes('.'));
  if (encoded.length <= maxIdLength) return encoded;
  const digest = sha256Hex(id).slice(0, 16);
  return `${encoded.slice(0, 140).replace(/~[0-9a-f]?$/, '')}~~${digest}`;
}

/** As most ids are: the same in a key. */
function isPlain(id: string): boolean {
  return id.length <= maxIdLength && plainId.test(id);
}

const plainId = /^[A-Za-z0-9-]+(?:[._][A-Za-z0-9-]+)*$/;

/** Reverses `encodeId` as far as possible (a shortened id stays shortened). */
export function decodeId(encoded: string): string {
  if (isPlain(encoded) || encoded.includes('~~')) return encoded;
  const bytes: number[] = [];
  for (let index = 0; index < encoded.length; index += 1) {
    const hex = /^~([0-9a-f]{2})/.exec(encoded.slice(index, index + 3))?.[1];
    if (hex === undefined) {
      bytes.push(encoded.charCodeAt(index) & 0xff);
      continue;
    }
    bytes.push(Number.parseInt(hex, 16));
    index += 2;
  }
  return Buffer.from(bytes).toString('utf8');
}

/** A stream's name, segment by segment. '' stays '' (the main stream). */
export function encodeStreamName(name: string): string {
  return name === '' ? '' : name.split('/').map(encodeId).join('/');
}

export function hasControlCharacter(value: string): boolean {
  for (const character of value) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}

function hexBytes(character: string): string {
  return [...Buffer.from(character, 'utf8')]
    .map((byte) => `~${byte.toString(16).padStart(2, '0')}`)
    .join('');
}

function quoted(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}

function article(kind: NameKind): string {
  return kind === 'agent' ? 'an' : 'a';
}
