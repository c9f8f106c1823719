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
  const isPassphrase = /^[A-Za-z0-9]{3,16}(?:[ -][A-Za-z0-9]{2,16}){2,11}$/.test(value);
  return isPassphrase && name.isConstant && found.tie === 'assigned' && /\d/.test(value);
}

const typedOwners =
  /^(?:jwt|session|cookie|app|auth|webhook|signing|shared|hmac|token|client|consumer|master|nextauth|express|flask|csrf)$/;

/** The value of `jwtSecret` and the like: a password by another name. */
export function isTypedSecret(name: SecretName, value: string, found: Assignment): boolean {
  const owner = name.words.at(-2);
  if (owner === undefined || !typedOwners.test(owner)) return false;
  if (found.tie !== 'assigned' && !(found.isQuoted && found.tie === 'spaced')) return false;
  return (
    value.length >= 8 &&
    /\d{2}|[!#$%^&*?]/.test(value) &&
    isTypedPassword(value) &&
    !isVariableName(value)
  );
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
