import { alphabet, isIn } from '../alphabet.js';
import { foreignPasswordWords } from '../assignments/foreign-words.js';
import { type Gap, gapAfter, tellingBytes } from '../assignments/gap.js';
import { fits, isBasic, isSecretValue } from '../assignments/judge.js';
import { nameEndOf, nameStartOf } from '../assignments/name-extent.js';
import { bareName, type SecretName, secretNameOf } from '../assignments/names.js';
import { type Assignment, readValue } from '../assignments/value.js';
import type { Detector, Trigger } from '../detector.js';
import { isMarkerKind } from '../marker.js';
import type { NamedRule } from '../rule.js';
import { type ScanContext, weights } from '../scan-context.js';

const folded = [
  'password',
  'passwd',
  'passphrase',
  'passwort',
  'passcode',
  '_pass',
  '-pass',
  'pass=',
  'pass:',
  'pass"',
  "pass'",
  'pwd',
  'passwrd',
  'pword',
  'pswd',
  '_pw',
  '-pw',
  'pw:',
  'pw=',
  'pw"',
  "pw'",
  'pw ',
  'psk',
  'kennwort',
  'wachtwoord',
  'contrasena',
  'senha',
  ...['mdp', 'clave', 'parola', 'heslo', 'haslo', 'jelszo', 'lozinka', 'salasana', 'passord'],
  ...['losenord', 'adgangskode', 'sifre', 'parool', 'sandi'],
  'motdepasse',
  'mot_de_passe',
  'secret',
  'credential',
  'creds',
  'pepper',
  '_salt',
  'hmac=',
  'hmac"',
  'hmac:',
  '_hmac',
  'mnemonic',
  'token',
  'apikey',
  'api_key',
  'api-key',
  'access_key',
  'access-key',
  'accesskey',
  'private_key',
  'private-key',
  'privatekey',
  'masterkey',
  'encryptionkey',
  'signingkey',
  'authkey',
  'accountkey',
  'storagekey',
  '_key',
  '-key',
  '_auth',
  'auth=',
  'auth"',
  "auth'",
  'auth\\', // auth\" at any depth
  'xauthkey',
  '_license',
  'session=',
  'session"',
  "session'",
  'session:',
  '_session',
  'sessionid=',
  'sessid',
  'sid=',
  'sid"',
  'jwt=',
  'jwt"',
  "jwt'",
  'jwt:',
  '_jwt',
  'bearer=',
  'bearer"',
  'bearer:',
  '_bearer',
  'otp=',
  'otp"',
  'otp:',
  '_otp',
  '_pat=',
  '_pat"',
  '_pat:',
  'master=',
  'master"',
  'master:',
  '_seed',
  'seed=',
  'seed"',
  'cookie=',
  'requirepass',
  'masterauth',
  '_sid=',
  '_sid"',
  '_sid:',
  '.sid=',
  'cookie"',
  ...['api', 'access', 'secret', 'private', 'unseal', 'recovery', 'license', 'licence'].map(ofKey),
  ...['encryption', 'signing', 'master', 'account', 'storage', 'product', 'auth'].map(ofKey),
];
const exact = ['AUTH ', 'Key', 'Pass', 'LICENSE_KEY', 'Pw', 'PWD', 'Salt', 'Jwt', 'Otp'];

function ofKey(owner: string): string {
  return `${owner} key`;
}

/** Finds the values of secret-looking names. */
export function assignmentTriggers(named: readonly NamedRule[]): readonly Trigger[] {
  const names = new NameReader(named);
  const trigger = (fold: boolean) => (literal: string) => ({
    literal,
    fold,
    detector: new AssignmentDetector(literal, names),
  });
  const foreign = foreignPasswordWords.map((word) => {
    const literal = Buffer.from(word, 'utf8').toString('latin1');
    return { literal, fold: true, detector: new WordDetector(literal.length) };
  });
  return [...exact.map(trigger(false)), ...folded.map(trigger(true)), ...foreign];
}

interface NameSense {
  readonly secretName: SecretName | undefined;
  readonly named: readonly NamedRule[];
  readonly mayBeBasic: boolean;
}

const mostRemembered = 4096;
const longestJudged = 512;

/** Remembers what names mean: transcripts repeat the same few. */
class NameReader {
  readonly #named: readonly NamedRule[];
  readonly #known = new Map<string, NameSense | undefined>();

  constructor(named: readonly NamedRule[]) {
    this.#named = named;
  }

  /** `undefined` when the name is no reason to look at the value. */
  read(name: string): NameSense | undefined {
    if (this.#known.has(name)) return this.#known.get(name);
    if (this.#known.size >= mostRemembered) this.#known.clear();
    const sense = this.#senseOf(name);
    this.#known.set(name, sense);
    return sense;
  }

  #senseOf(name: string): NameSense | undefined {
    const bare = bareName(name);
    const secretName = secretNameOf(name);
    const named = this.#named.filter((rule) => rule.name.test(bare));
    const mayBeBasic = bare.endsWith('auth');
    if (secretName === undefined && named.length === 0 && !mayBeBasic) return undefined;
    return { secretName, named, mayBeBasic };
  }
}

const longestGlance = 80;

/** A first glance: whether what follows has a digit or a sign, or could be a word that is given as a password. */
function mayHoldSecret(bytes: Buffer, valueAt: number): boolean {
  const end = Math.min(valueAt + longestGlance, bytes.length);
  for (let at = valueAt; at < end; at += 1) {
    if (isIn(tellingBytes, bytes[at])) return true;
  }
  return bytes[valueAt - 1] === 0x3d && isIn(lowerCase, bytes[valueAt]);
}

const lowerCase = alphabet('a-z');

class AssignmentDetector implements Detector {
  readonly looksBehind = true;
  readonly #length: number;
  readonly #names: NameReader;

  constructor(literal: string, names: NameReader) {
    this.#length = literal.replace(/[^a-z]+$/i, '').length;
    this.#names = names;
  }

  isWorthwhile(bytes: Buffer, at: number): boolean {
    const nameEnd = nameEndOf(bytes, at + this.#length);
    if (this.#isPlural(bytes, at, nameEnd) && !isListAfter(bytes, nameEnd)) return false;
    const gap = gapAfter(bytes, at, nameEnd);
    return gap !== undefined && mayHoldSecret(bytes, gap.valueAt);
  }

  /** Usage counters (`input_tokens`) are on nearly every line. */
  #isPlural(bytes: Buffer, at: number, nameEnd: number): boolean {
    return nameEnd === at + this.#length + 1 && (bytes[nameEnd - 1] ?? 0 | 0x20) === 0x73;
  }

  detect(context: ScanContext, at: number): void {
    const { bytes } = context;
    const nameEnd = nameEndOf(bytes, at + this.#length);
    if (!context.isFirstVisit(nameEnd)) return;
    context.charge(2);
    const nameStart = nameStartOf(bytes, at);
    if (isMarkerKind(bytes, nameStart)) return;
    const isPlural = this.#isPlural(bytes, at, nameEnd);
    const sense = this.#names.read(context.text(nameStart, isPlural ? nameEnd - 1 : nameEnd));
    const gap = gapAfter(bytes, at, nameEnd);
    if (sense === undefined || gap === undefined) return;
    if (isListAfter(bytes, nameEnd)) readList(context, nameEnd, gap, sense);
    else readChange(context, nameEnd, gap, sense);
  }
}

const listOpening =
  /^\\{0,64}["'`]?[ \t]{0,4}(?:[:=]|=>|:=)[ \t]{0,4}(?:\[|(?:\r?\n|(?:\\{1,64}r)?\\{1,64}n)(?:[ \t]{0,8}\d{1,6}(?:\t|\\{1,64}t|\xe2\x86\x92))?[ \t]{0,24}- )/;
const mostListed = 64;

function isListAfter(bytes: Buffer, nameEnd: number): boolean {
  return listOpening.test(bytes.toString('latin1', nameEnd, nameEnd + 120));
}

/** `["…", "…"]`, or a line each behind a dash. */
function readList(context: ScanContext, nameEnd: number, first: Gap, sense: NameSense): void {
  let gap: Gap | undefined = { ...first, tie: 'spaced' };
  for (let count = 0; gap !== undefined && count < mostListed; count += 1) {
    context.charge(2);
    const end: number | undefined = readAndJudge(context, nameEnd, gap, sense);
    gap = end === undefined ? undefined : nextListed(context.bytes, end);
  }
}

/** A value, and what it is changed to: `"…" -> "…"`. */
function readChange(context: ScanContext, nameEnd: number, gap: Gap, sense: NameSense): void {
  const end = readAndJudge(context, nameEnd, gap, sense);
  const arrow = end === undefined ? null : change.exec(context.text(end, end + 100));
  if (end === undefined || arrow === null) return;
  readAndJudge(context, nameEnd, { valueAt: end + arrow[0].length, tie: 'spaced' }, sense);
}

const change = /^\\{0,64}["'`]?[ \t]{1,4}(?:->|=>|\xe2\x86\x92)[ \t]{1,4}(?=\\{0,64}["'`])/;

const betweenListed =
  /^(?:\\{0,64}["'`])?[ \t]{0,4}(?:,(?:\s|\\{1,64}[nrt]){0,40}|(?:\r?\n|(?:\\{1,64}r)?\\{1,64}n)(?:[ \t]{0,8}\d{1,6}(?:\t|\\{1,64}t|\xe2\x86\x92))?[ \t]{0,24}- )(?=[^\s\]])/;

function nextListed(bytes: Buffer, valueEnd: number): Gap | undefined {
  const found = betweenListed.exec(bytes.toString('latin1', valueEnd, valueEnd + 160));
  return found === null ? undefined : { valueAt: valueEnd + found[0].length, tie: 'spaced' };
}

const password: NameSense = {
  secretName: { kind: 'password', isVague: false, isConstant: false, words: ['password'] },
  named: [],
  mayBeBasic: false,
};
const longestEnding = 12;

/** Words for passwords of other languages: names by themselves, in whatever case they are declined. */
class WordDetector implements Detector {
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
  }

  isWorthwhile(bytes: Buffer, at: number): boolean {
    return this.#endOf(bytes, at) !== undefined;
  }

  detect(context: ScanContext, at: number): void {
    const { bytes } = context;
    const end = this.#endOf(bytes, at);
    if (end === undefined || !context.isFirstVisit(end)) return;
    context.charge(2);
    const gap = gapAfter(bytes, at, end);
    if (gap !== undefined) readAndJudge(context, end, gap, password);
  }

  /** The end of the word, with the letters that decline it where nothing follows it otherwise. */
  #endOf(bytes: Buffer, at: number): number | undefined {
    const end = at + this.#length;
    if (gapAfter(bytes, at, end) !== undefined) return end;
    const ending = /^(?:[a-z]|[\xc3\xc4\xc5\xce\xcf\xd0\xd1][\x80-\xbf]){1,6}/.exec(
      bytes.toString('latin1', end, end + longestEnding),
    );
    if (ending === null) return undefined;
    const declined = end + ending[0].length;
    return gapAfter(bytes, at, declined) === undefined ? undefined : declined;
  }
}

/** The end of the value that was read, secret or not. */
function readAndJudge(
  context: ScanContext,
  nameEnd: number,
  gap: Gap,
  sense: NameSense,
): number | undefined {
  const { bytes } = context;
  const isLoose = sense.secretName?.kind === 'password' || bytes[gap.valueAt - 1] === 0x3d;
  const read = readValue(bytes, nameEnd, gap, isLoose);
  if (read === undefined) return undefined;
  context.charge((read.valueEnd - read.valueStart) >> 5);
  judge(context, withoutScheme(context, read), sense);
  return read.valueEnd;
}

function judge(context: ScanContext, found: Assignment, sense: NameSense): void {
  const { valueStart, valueEnd } = found;
  if (valueEnd - valueStart < 6) return;
  const value = plain(context.text(valueStart, Math.min(valueEnd, valueStart + longestJudged)));
  if (value.includes('[REDACTED:')) return;
  const kind = kindOf(value, found, sense);
  if (kind === undefined) return;
  const isNamed = kind !== sense.secretName?.kind;
  context.add(valueStart, valueEnd, kind, isNamed ? weights.named : weights.generic);
}

function kindOf(value: string, found: Assignment, sense: NameSense): string | undefined {
  const rule = sense.named.find((row) => fits(row, value));
  if (rule !== undefined) return rule.kind;
  if (sense.mayBeBasic && isBasic(value)) return 'docker-auth';
  const name = sense.secretName;
  return name !== undefined && isSecretValue(name, value, found) ? name.kind : undefined;
}

function withoutScheme(context: ScanContext, found: Assignment): Assignment {
  const start = context.text(found.valueStart, Math.min(found.valueEnd, found.valueStart + 24));
  const scheme = /^(?:bearer|basic|token|bot|apikey)(?:\s|%20|\+)+/i.exec(start);
  return scheme === null ? found : { ...found, valueStart: found.valueStart + scheme[0].length };
}

/** Without the escapes of whatever depth. */
function plain(value: string): string {
  return value.includes('\\') ? value.replace(/\\+([^\\])/g, '$1') : value;
}
