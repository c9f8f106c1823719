import { isJumbled, isWordy } from '../entropy.js';
import { isPlaceholder } from '../placeholders.js';
import { issued } from './issued-password.js';
import type { SecretName } from './names.js';
import { isTypedPassword } from './typed-password.js';
import type { Assignment } from './value.js';
import { isVariableName } from './variable-name.js';

/** Secrets that do not look generated, in places where nothing else makes sense. */

/** Words, or groups of letters, in a place where only a password makes sense. */
export function isInWords(name: SecretName, value: string, found: Assignment): boolean {
  if (isPlaceholder(value) || found.tie === 'compared') return false;
  if (issued.test(value) && (/\d/.test(value) || found.tie !== 'placed')) return true;
  if (found.tie !== 'assigned' && found.tie !== 'flag' && !found.isQuoted) return false;
  if (isLoose(found)) return false;
  if (found.isQuoted && /^[a-z]{12,32}$/.test(value)) return isJumbled(value) && !isWordy(value);
  if (found.isQuoted && name.words.at(-1) === 'passphrase' && isSpokenPhrase(value)) return true;
  const isPassphrase = /^[A-Za-z0-9]{3,16}(?:[ -][A-Za-z0-9]{2,16}){2,11}$/.test(value);
  return isPassphrase && name.isConstant && found.tie === 'assigned' && /\d/.test(value);
}

/** Words with a number among them, but no advice about passphrases. */
function isSpokenPhrase(value: string): boolean {
  if (!/^[a-z0-9]{2,16}(?: [a-z0-9]{2,16}){3,11}$/.test(value)) return false;
  if (/\b(?:must|at|least|most|char|chars|characters|enter|your|min|max|words?)\b/.test(value))
    return false;
  return /(?:^| )\d{1,4}(?: |$)/.test(value);
}

const typedOwners =
  /^(?:api|oauth|bot|admin|jwt|session|cookie|app|auth|webhook|signing|shared|hmac|token|client|consumer|master|nextauth|express|flask|csrf)$/;

/** People number the words that they type; programmers number few of their names. */
const numberedWord = /^[a-z]{5,}(?:\d{4}|\d{2,3}[a-z]{1,2})$/;

/** The value of `jwtSecret` and the like: a password by another name. */
export function isTypedSecret(name: SecretName, value: string, found: Assignment): boolean {
  const owner = name.words.at(-2);
  if (found.isCalled || (owner !== undefined && !typedOwners.test(owner))) return false;
  if (owner === undefined && !mayStandAlone(value)) return false;
  const isTold =
    found.tie === 'spaced' && (found.isQuoted || owner === undefined || numberedWord.test(value));
  if (found.tie !== 'assigned' && !isTold) return false;
  return (
    value.length >= 8 &&
    /\d{2}|[!#$%^&*?]/.test(value) &&
    isTypedPassword(value) &&
    (!isVariableName(value) || numberedWord.test(value))
  );
}

/** The secret of nobody in particular; AWS puts six random characters behind the name of one. */
function mayStandAlone(value: string): boolean {
  return /^[A-Za-z][\w!@#$%^&*?-]*$/.test(value) && !/-[A-Za-z0-9]{6}$/.test(value);
}

/** Licence keys: groups of capitals and digits. */
export function isGroupedKey(value: string): boolean {
  return (
    /^(?:[A-Z0-9]{4,8}-){3,7}[A-Z0-9]{4,8}$/.test(value) &&
    /\d/.test(value) &&
    /[A-Z]{2}/.test(value) &&
    !isPlaceholder(value)
  );
}

function isLoose({ tie }: Assignment): boolean {
  return tie === 'placed' || tie === 'below' || tie === 'compared';
}
