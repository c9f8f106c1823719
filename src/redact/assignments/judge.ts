import {
  entropy,
  isDense,
  isJumbled,
  isRandom,
  isSequence,
  isWordy,
  printableFromBase64,
} from '../entropy.js';
import { isPlaceholder, isReference, isUuid } from '../placeholders.js';
import type { NamedRule } from '../rule.js';
import type { SecretName } from './names.js';
import { isAlgorithm, isMailAddress, isSamplePassword } from './samples.js';
import { isGroupedKey, isInWords, isTypedSecret } from './typed-secret.js';
import type { Assignment } from './value.js';
import { isVariableName } from './variable-name.js';

/** Whether a value could be what its name suggests. */
export function isSecretValue(name: SecretName, value: string, found: Assignment): boolean {
  // The name has no value, and the next line belongs to another name.
  if (found.tie === 'below' && /^[\w.-]+[=:]/.test(value)) return false;
  if (name.kind === 'password' && isEverydayPassword(name, value, found)) return true;
  if (name.kind === 'password' && isInWords(name, value, found)) return true;
  if (name.kind === 'secret' && isTypedSecret(name, value, found)) return true;
  if (name.kind === 'key' && isGroupedKey(value)) return true;
  if (!isWritable(name, value, found) || isReference(value)) return false;
  if (isUuid(value)) return mayBeUuid(name, found);
  if (isPlaceholder(value) || isCode(value, found)) return false;
  if (!found.isQuoted && found.tie !== 'assigned' && isVariableName(value)) return false;
  if (/^[\d.,:_+-]+$/.test(value) || isMailAddress(value)) return false;
  if (isTestResult(name, found)) return false;
  if (isApart(found) && !isBeyondDoubt(name, value)) return false;
  if (name.isVague) return isVagueValue(name, value);
  if (name.kind === 'password') return isPassword(value, found);
  if (value.length < (name.kind === 'secret' ? 12 : 16)) return false;
  return (isRandom(value) && /[\d+/]/.test(value)) || isVaried(value);
}

function isApart({ tie }: Assignment): boolean {
  return tie === 'placed' || tie === 'below';
}

/** Upper and lower case, signs and mostly digits, mixed as by a password generator. */
function isVaried(value: string): boolean {
  const kinds = [/[a-z]/, /[A-Z]/, /[!#$%&*@^~]/];
  if (value.length < 12 || value.includes('/') || isSequence(value)) return false;
  if (!kinds.every((kind) => kind.test(value))) return false;
  return /\d/.test(value) || (isJumbled(value) && !/[(){}[\].,;<>]/.test(value));
}

/** UUIDs serve as tokens and as many kinds of keys, but not as an API key or a client secret. */
function mayBeUuid(name: SecretName, found: Assignment): boolean {
  if (isApart(found) || found.tie === 'compared' || name.isVague) return false;
  return (
    name.kind === 'secret' ||
    (name.kind === 'key' && /^(?:.*api|secret|access|private)$/.test(name.words.at(-2) ?? ''))
  );
}

/**
 * Printable and without blanks; a quoted password may contain blanks and letters of any language.
 */
function isWritable(name: SecretName, value: string, found: Assignment): boolean {
  if (/^[\x21-\x7e]+$/.test(value)) return true;
  if (name.kind !== 'password' || !found.isQuoted) return false;
  const ascii = value.match(/[\x21-\x7e]/g)?.length ?? 0;
  return /^[\x20-\x7e\x80-\xff]+$/.test(value) && ascii >= value.length / 2;
}

/** `PASS: name of a test`, and `pass` as a verb. */
function isTestResult(name: SecretName, found: Assignment): boolean {
  if (name.words.join() !== 'pass' || found.tie === 'assigned' || found.isQuoted) return false;
  return name.isConstant || found.tie !== 'spaced';
}

/** A value that merely appears next to a name is a secret only if nothing else looks like it. */
function isBeyondDoubt(name: SecretName, value: string): boolean {
  if (value.length < 10 || isWordy(value) || isPath(value) || /[,;()<>{}]/.test(value))
    return false;
  if (/^(?:0x)?[0-9a-f]+$/i.test(value)) {
    return !name.isVague && value.length >= 32 && /[a-f]/.test(value);
  }
  if (/^[a-z0-9]+(?:_[a-z]+){0,2}_[0-9a-f]{32,64}$/.test(value)) return !name.isVague;
  if (/^0x/.test(value) || (/^\w+$/.test(value) && !isJumbled(value))) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[!#$%&*+=?@^~]/].filter((kind) => kind.test(value));
  return kinds.length >= 3 && /\d/.test(value);
}

function isPath(value: string): boolean {
  if (/^[\w.-]*\/[\w./-]*$/.test(value)) return !isDense(value);
  return /^[\w-]+(?:\.[\w-]+)+$/.test(value);
}

/** Fingerprints are 40 capital hex digits. */
const hexKey = /^(?:[0-9a-f]{32,}|[0-9A-F]{32}|[0-9A-F]{48,})$/;

function isVagueValue(name: SecretName, value: string): boolean {
  if (value.length < 16 || !isRandom(value) || !/\d/.test(value)) return false;
  if (name.kind === 'key' && hexKey.test(value)) return true;
  if (value.length < 20 || /^[0-9a-f]+$/i.test(value)) return false;
  return isDense(value) && isJumbled(value);
}

function isPassword(value: string, found: Assignment): boolean {
  if (!value.includes(' ')) return isPasswordWord(value, found);
  if (/^[\s,;:)+.]|[\s(]$|[()=]/.test(value)) return false;
  return value.split(' ').some((part) => isPasswordWord(part, found));
}

// What people type when they do not use a generator, or when the value does not matter.
const everyday = /^(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[\w!@#$%^&*+=?~.-]{6,64}$/;
/**
 * A word with digits, such as people make up: not from a generator, but in a place where only a
 * password makes sense.
 */
function isEverydayPassword(name: SecretName, value: string, found: Assignment): boolean {
  if (isReference(value) || isPlaceholder(value) || isSequence(value)) return false;
  if (isCode(value, found) || isMailAddress(value) || isUuid(value)) return false;
  if (isTestResult(name, found)) return false;
  if (isSamplePassword(value) || isAlgorithm(value)) return false;
  if (found.tie === 'assigned' && name.isConstant && /^[a-z]{6,40}$/.test(value)) {
    return !name.words.includes(value);
  }
  if (!everyday.test(value)) return false;
  if (found.tie === 'assigned' || (found.isQuoted && found.tie === 'spaced')) return true;
  if (value.length < 8 || isPath(value)) return false;
  if (found.tie === 'spaced' || found.tie === 'flag') return true;
  // A sentence may describe the password rather than state it.
  if (found.tie === 'placed' && !found.isQuoted)
    return /\d/.test(value) && /[!#$%^&*+=?~]/.test(value);
  const isTold = found.tie === 'stated' || isApart(found);
  if (!isTold || /^\d/.test(value)) return false;
  return /\d{2}/.test(value) || /[!@#$%^&*+=?~]/.test(value) || isMixed(value);
}

/** Capitals, small letters and a digit in several words: `Soleil-Rouge-7`. */
function isMixed(value: string): boolean {
  const kinds = [/[a-z]/, /[A-Z].*[A-Z]/, /\d/, /[a-z\d][._-][A-Z\d]/];
  return value.length >= 10 && kinds.every((kind) => kind.test(value));
}

function isPasswordWord(value: string, found: Assignment): boolean {
  if (value.length < 8 || !/[A-Za-z]/.test(value) || isSequence(value)) return false;
  const digits = value.match(/\d/g)?.length ?? 0;
  const hasUpper = /[A-Z]/.test(value);
  if (/[!@#$%^&*+=?~]/.test(value)) return digits > 0 || hasUpper;
  const mayBeCode = found.tie !== 'assigned' && !found.isQuoted && !/[)\]}]\w/.test(value);
  if (digits === 0 && mayBeCode) return false;
  if (digits === 0) return /[^\w.,:/|-]/.test(value) && hasUpper && !isWordy(value);
  return !isWordy(value) || (digits >= 2 && hasUpper);
}

const calls =
  /^(?:str|int|md5|sha\d+|hash|len|fn|get|env|ref|var|new|fmt|f|t|e|b64|enc|dec|atob|btoa|await|typeof|!|\w+\.\w+)[([]/;
const receivers =
  /^(?:self|this|process|config|cfg|conf|props|state|req|request|res|env|os|args|settings|options|opts|data|params|ctx|event|user|auth|input|form|body|model|session|client|account|response)[.[]/;

/** The beginning of a regular expression. */
const expressions = /^r?\/[\^([\\]/;

/** Whether the value is an expression: a call, a property, an arrow function. */
function isCode(value: string, found: Assignment): boolean {
  if (calls.test(value) || receivers.test(value) || expressions.test(value)) return true;
  const callee = /^[A-Za-z_$][\w$.]*(?=[([])/.exec(value);
  if (callee !== null && isWordy(callee[0])) return true;
  if (found.isQuoted) return false;
  const isIndexed = /^[A-Za-z_$][\w$.]*(?:\[\w*\]|\?\.)/.test(value);
  if (found.tie === 'compared' || found.isCalled || isIndexed) return true;
  if (found.tie !== 'assigned' && callee !== null && !/[)\]]\w/.test(value)) return true;
  return /=>|\)\.|::|&&|\|\||^[{[(]|[;{]$|^!{0,2}[A-Za-z_$.]+\([\w$.]*,?$/.test(value);
}

const wholeShapes = new Map<NamedRule, RegExp>();

function wholeShape(rule: NamedRule): RegExp {
  const known = wholeShapes.get(rule) ?? new RegExp(`^(?:${rule.shape.source})$`, rule.shape.flags);
  wholeShapes.set(rule, known);
  return known;
}

/** Whether the value has the vendor's format. */
export function fits(rule: NamedRule, value: string): boolean {
  if (!wholeShape(rule).test(value)) return false;
  return !isSequence(value) && !/x{6}|your|0{12}/i.test(value) && entropy(value) > 2.2;
}

/** `user:password` in base64, as in Docker's configuration. */
export function isBasic(value: string): boolean {
  return value.length >= 8 && /^[^:\s]{1,100}:[^\s]{3,}/.test(printableFromBase64(value) ?? '');
}
