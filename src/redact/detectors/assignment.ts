import type { Detector, Trigger } from '../detector.js';
import { entropy, isRandom, isSequence, isWordy, printableFromBase64 } from '../entropy.js';
import { isMarkerKind } from '../marker.js';
import { bareName, type SecretName, secretNameOf } from '../names.js';
import { isPlaceholder, isReference, isUuid } from '../placeholders.js';
import type { NamedRule } from '../rule.js';
import { type ScanContext, weights } from '../scan-context.js';
import {
  type Assignment,
  nameEndOf,
  nameStartOf,
  readAssignment,
  valueAfter,
} from './assignment-reader.js';

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
  'secret',
  'credential',
  'creds',
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
  'auth"',
  "auth'",
  'auth\\', // auth\" at any depth
  'xauthkey',
  '_license',
];

/** Finds the values of secret-looking names. */
export function assignmentTriggers(named: readonly NamedRule[]): readonly Trigger[] {
  const names = new NameReader(named);
  const exact: Trigger[] = ['Key', 'Pass', 'LICENSE_KEY'].map((literal) => ({
    literal,
    detector: new AssignmentDetector(literal, names),
  }));
  const anyCase = folded.map((literal) => ({
    literal,
    fold: true,
    detector: new AssignmentDetector(literal, names),
  }));
  return [...exact, ...anyCase];
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

class AssignmentDetector implements Detector {
  readonly looksBehind = true;
  readonly #length: number;
  readonly #names: NameReader;

  constructor(literal: string, names: NameReader) {
    this.#length = /[a-z_-]+/i.exec(literal)?.[0].length ?? literal.length;
    this.#names = names;
  }

  isWorthwhile(bytes: Buffer, at: number): boolean {
    const nameEnd = nameEndOf(bytes, at + this.#length);
    if (this.#isPlural(bytes, at, nameEnd)) return false;
    return valueAfter(bytes, at, nameEnd) !== -1;
  }

  /** Usage counters (`input_tokens`) are on nearly every line. */
  #isPlural(bytes: Buffer, at: number, nameEnd: number): boolean {
    return nameEnd === at + this.#length + 1 && bytes[nameEnd - 1] === 0x73 && this.#length < 10;
  }

  detect(context: ScanContext, at: number): void {
    const { bytes } = context;
    const nameEnd = nameEndOf(bytes, at + this.#length);
    if (!context.isFirstVisit(nameEnd)) return;
    context.charge(2);
    const nameStart = nameStartOf(bytes, at);
    if (isMarkerKind(bytes, nameStart)) return;
    const sense = this.#names.read(context.text(nameStart, nameEnd));
    if (sense === undefined) return;
    const valueAt = valueAfter(bytes, at, nameEnd);
    const isLoose = sense.secretName === 'password' || bytes[valueAt - 1] === 0x3d;
    const read = readAssignment(bytes, nameEnd, valueAt, isLoose);
    if (read === undefined) return;
    context.charge((read.valueEnd - read.valueStart) >> 5);
    judge(context, withoutScheme(context, read), sense);
  }
}

function judge(context: ScanContext, found: Assignment, sense: NameSense): void {
  const { valueStart, valueEnd } = found;
  if (valueEnd - valueStart < 6) return;
  const value = plain(context.text(valueStart, Math.min(valueEnd, valueStart + longestJudged)));
  if (value.includes('[REDACTED:')) return;
  const kind = kindOf(value, found, sense);
  if (kind === undefined) return;
  const isNamed = kind !== sense.secretName;
  context.add(valueStart, valueEnd, kind, isNamed ? weights.named : weights.generic);
}

function kindOf(value: string, found: Assignment, sense: NameSense): string | undefined {
  const rule = sense.named.find((row) => fits(row, value));
  if (rule !== undefined) return rule.kind;
  if (sense.mayBeBasic && isBasic(value)) return 'docker-auth';
  if (sense.secretName === undefined) return undefined;
  return isSecretValue(sense.secretName, value, found) ? sense.secretName : undefined;
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

const wholeShapes = new Map<NamedRule, RegExp>();

function wholeShape(rule: NamedRule): RegExp {
  const known = wholeShapes.get(rule) ?? new RegExp(`^(?:${rule.shape.source})$`, rule.shape.flags);
  wholeShapes.set(rule, known);
  return known;
}

function fits(rule: NamedRule, value: string): boolean {
  if (!wholeShape(rule).test(value)) return false;
  return !isSequence(value) && !/x{6}|your|0{12}/i.test(value) && entropy(value) > 2.2;
}

function isBasic(value: string): boolean {
  return value.length >= 8 && /^[^:\s]{1,100}:[^\s]{3,}/.test(printableFromBase64(value) ?? '');
}

function isSecretValue(secretName: SecretName, value: string, found: Assignment): boolean {
  if (!isWritable(secretName, value, found) || isReference(value) || isUuid(value)) return false;
  if (isPlaceholder(value) || isCode(value, found)) return false;
  if (!found.isQuoted && found.isSpaced && isName(value)) return false;
  if (/^[\d.,:_+-]+$/.test(value) || /^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$/.test(value)) return false;
  if (secretName === 'password') return isPassword(value, found);
  if (value.length < (secretName === 'secret' ? 12 : 16)) return false;
  return isRandom(value) && /[\d+/]/.test(value);
}

/** Printable and without blanks; a quoted password may hold letters of any language. */
function isWritable(secretName: SecretName, value: string, found: Assignment): boolean {
  if (/^[\x21-\x7e]+$/.test(value)) return true;
  if (secretName !== 'password' || !found.isQuoted) return false;
  const ascii = value.match(/[\x21-\x7e]/g)?.length ?? 0;
  return /^[\x21-\x7e\x80-\xff]+$/.test(value) && ascii >= value.length / 2;
}

function isPassword(value: string, found: Assignment): boolean {
  if (value.length < 8 || !/[A-Za-z]/.test(value) || isSequence(value)) return false;
  const digits = value.match(/\d/g)?.length ?? 0;
  const hasUpper = /[A-Z]/.test(value);
  if (/[!@#$%^&*+=?~]/.test(value)) return digits > 0 || hasUpper;
  const mayBeCode = found.isSpaced && !found.isQuoted && !/[)\]}]\w/.test(value);
  if (digits === 0 && mayBeCode) return false;
  if (digits === 0) return /[^\w.,:/|-]/.test(value) && hasUpper && !isWordy(value);
  return !isWordy(value) || (digits >= 2 && hasUpper);
}

const calls =
  /^(?:str|int|md5|sha\d+|hash|len|fn|get|env|ref|var|new|fmt|f|t|e|b64|enc|dec|atob|btoa|await|typeof|!|\w+\.\w+)[([]/;
const receivers =
  /^(?:self|this|process|config|cfg|conf|props|state|req|request|res|env|os|args|settings|options|opts|data|params|ctx|event|user|auth|input|form|body|model|session|client|account|response)[.[]/;

/** Whether the value is an expression: a call, a property, an arrow function. */
function isCode(value: string, found: Assignment): boolean {
  if (calls.test(value) || receivers.test(value)) return true;
  const callee = /^[A-Za-z_$][\w$.]*(?=[([])/.exec(value);
  if (callee !== null && isWordy(callee[0])) return true;
  if (found.isQuoted) return false;
  if (found.isComparison || found.isCalled || /^[A-Za-z_$][\w$.]*(?:\[\w*\]|\?\.)/.test(value))
    return true;
  if (found.isSpaced && callee !== null && !/[)\]]\w/.test(value)) return true;
  return /=>|\)\.|::|&&|\|\||^[{[(]|[;{]$/.test(value);
}

/** A variable's or a property's name, not a value: words joined by dots, underscores or humps. */
function isName(value: string): boolean {
  const parts = value.split('.');
  if (!parts.every((part) => /^[A-Za-z_$][\w$]*$/.test(part))) return false;
  return (
    isWordy(value) || (parts.length > 1 && parts.every((part) => part.length < 8 || isWordy(part)))
  );
}
