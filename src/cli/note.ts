import { UsageError } from '../errors.js';
import { maxTextLength } from '../protocol/coordination.js';

/** Refuses text that readers would refuse; it belongs in an artifact. */
export function checkNote(flag: string, text: string | undefined): void {
  if (text === undefined || text.length <= maxTextLength) return;
  throw new UsageError(`${flag} is longer than ${maxTextLength} characters`, {
    hint: 'Upload it with "tracecraft artifact upload" and name it with --artifact.',
  });
}
