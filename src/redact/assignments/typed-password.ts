import { isSequence } from '../entropy.js';
import { isPlaceholder, isReference, isUuid } from '../placeholders.js';
import { isAlgorithm, isMailAddress, isSamplePassword } from './samples.js';

const kinds: readonly RegExp[] = [/[a-z]/, /[A-Z]/, /\d/, /[!#$%&*+=?@^~]/];

/**
 * Whether somebody may have typed it where only a password fits: two kinds of characters, among
 * them a digit or a sign, and nothing that documentation or code puts in such a place.
 */
export function isTypedPassword(text: string): boolean {
  if (text.length < 6 || text.length > 200 || !/[\d!#$%&*+=?@^~]/.test(text)) return false;
  if (kinds.filter((kind) => kind.test(text)).length < 2) return false;
  if (/[\s<>{}]|^[$%@-]|\(\)|\.\w{2,4}$/.test(text) || isSequence(text)) return false;
  if (isSamplePassword(text) || isAlgorithm(text) || isMailAddress(text) || isUuid(text))
    return false;
  return !isPlaceholder(text) && !isReference(text);
}
