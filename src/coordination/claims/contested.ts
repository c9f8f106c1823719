import { LostError } from '../../errors.js';

/** Every try met a change by somebody else: rare enough to be left to whoever asked. */
export function contested(step: string, key: string): LostError {
  return new LostError(`step ${step} keeps changing hands: ${key}`, {
    hint: 'Several agents are writing it right now. Try again.',
  });
}
