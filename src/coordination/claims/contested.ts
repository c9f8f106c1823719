import { LostError } from '../../errors.js';

/** Every attempt met a concurrent change: rare enough to leave the retry to the caller. */
export function contested(step: string, key: string): LostError {
  return new LostError(`step ${step} keeps changing hands: ${key}`, {
    hint: 'Several agents are writing it right now. Try again.',
  });
}
