import {
  askers,
  declinedWords,
  directKeyOwners,
  harmlessKeys,
  keyOwners,
  passOwners,
  passwordWords,
  publicWords,
  qualifiers,
  secretWords,
  sessionWords,
  tokenCounters,
  tokenWords,
} from './name-words.js';

/** What a name says about its value. */
export interface SecretName {
  /** Appears in the marker. */
  readonly kind: 'password' | 'secret' | 'token' | 'key';
  /** The name alone says little, so the value must be a token beyond doubt. */
  readonly isVague: boolean;
  /** Written like an environment variable: `DB_PASSWORD`. */
  readonly isConstant: boolean;
  /** Lower case, without qualifiers of the value. */
  readonly words: readonly string[];
}

/** Lower case, without separators: `X-Api-Key` and `xApiKey` are `xapikey`. */
export function bareName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** `undefined` if the name is no reason to look at the value. */
export function secretNameOf(name: string): SecretName | undefined {
  const words = wordsOf(name);
  const last = words.at(-1);
  if (last === undefined || words.some((word) => publicWords.has(word))) return undefined;
  const kind = kindOf(last, words.slice(0, -1));
  if (kind === undefined) return undefined;
  const isVague = sessionWords.has(last) || (kind === 'key' && !isKeyOwned(words.slice(0, -1)));
  return { kind, isVague, isConstant: /^[A-Z][A-Z0-9_]*$/.test(name), words };
}

function kindOf(last: string, owners: readonly string[]): SecretName['kind'] | undefined {
  const owner = owners.at(-1);
  if (passwordWords.has(last) || isDeclined(last))
    return owner !== undefined && askers.has(owner) ? undefined : 'password';
  if (secretWords.has(last)) return 'secret';
  if (sessionWords.has(last)) return 'token';
  switch (last) {
    case 'pwd':
      return owner === 'old' ? undefined : 'password';
    case 'pass':
      return owner === undefined || passOwners.has(owner) ? 'password' : undefined;
    case 'key':
      return isKeyOwned(owners) || mayKeyBeSecret(owners) ? 'key' : undefined;
    default:
      if (!tokenWords.has(last)) return undefined;
      return owner !== undefined && tokenCounters.has(owner) ? undefined : 'token';
  }
}

const endingsOfWords =
  /(?:et|ets|ene|en|ens|ar|er|ern|es|e|s|n|na|ni|nsa|si|em|om|u|a|at|nya|mu|ku|iz|im)$/;

/** `passordet`, `adgangskoden`, `heslem`. */
function isDeclined(word: string): boolean {
  if (declinedWords.has(word)) return true;
  const stem = word.replace(endingsOfWords, '');
  return stem !== word && ['', 'e', 'a', 'o'].some((vowel) => declinedWords.has(stem + vowel));
}

const endings = [
  'passwort',
  'kennwort',
  'passord',
  'wachtwoord',
  'password',
  'passwd',
  'passphrase',
  'token',
  'secret',
  'key',
  'pass',
  'pwd',
  'sessionid',
  'sessid',
];

/** The words of a name in lower case, without qualifiers at the end. */
function wordsOf(name: string): readonly string[] {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  while (words.length > 1 && qualifiers.test(words.at(-1) ?? '')) words.pop();
  const last = words.pop() ?? '';
  const bare = last.replace(/\d{1,2}$/, '');
  const ending = endings.find((end) => bare.endsWith(end) && bare !== end);
  if (ending === undefined) return [...words, bare];
  return [...words, bare.slice(0, -ending.length), ending];
}

function isKeyOwned(owners: readonly string[]): boolean {
  const owner = owners.at(-1);
  return owner !== undefined && (isOwner(owner) || isOwnedFarther(owners, owner));
}

/**
 * The name does not say whose key it is, so the value decides, unless it is a key of a table or a
 * cache.
 */
function mayKeyBeSecret(owners: readonly string[]): boolean {
  return owners.length > 0 && !owners.some((word) => harmlessKeys.has(word));
}

/** Also at the end of words written together: `storageaccount`, `serpapi`. */
function isOwner(word: string): boolean {
  for (let start = 0; start + 4 <= word.length; start += 1) {
    const part = word.slice(start);
    if (directKeyOwners.has(part) || keyOwners.has(part)) return true;
  }
  return directKeyOwners.has(word) || keyOwners.has(word) || word.endsWith('api');
}

function isOwnedFarther(owners: readonly string[], owner: string): boolean {
  return !harmlessKeys.has(owner) && owners.some((word) => keyOwners.has(word));
}
