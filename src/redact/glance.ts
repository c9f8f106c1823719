import { builtInLiterals } from './built-in-literals.js';
import { literalTriggers } from './detectors/literal.js';
import { LiteralSearch } from './literal-search.js';

/** A longer text is worth loading the engine for. */
const longestGlance = 4 * 1024;

/**
 * Whether a short text contains any literal that the engine watches. If not, the engine, which takes
 * longer to load than most commands take to run, would find nothing: only the user's own patterns
 * can match without a literal.
 */
export function mayHoldSecret(text: Buffer, knownSecrets: readonly string[]): boolean {
  if (text.length > longestGlance) return true;
  const known = literalTriggers(knownSecrets).map(({ literal }) => literal);
  const search = new LiteralSearch([...builtInLiterals, { texts: known, fold: false }]);
  let isFound = false;
  search.scan(text, () => {
    isFound = true;
    return true;
  });
  return isFound;
}
