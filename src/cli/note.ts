import { secretWarning } from '../app/secret-warning.js';
import { checkShortText } from '../app/short-text-check.js';
import type { Settings } from '../config/settings.js';
import { UsageError } from '../errors.js';
import { maxTextLength } from '../protocol/coordination.js';

/** Refuses text that readers would refuse; it belongs in an artifact. */
export function checkNote(flag: string, text: string | undefined): void {
  if (text === undefined || text.length <= maxTextLength) return;
  throw new UsageError(`${flag} is longer than ${maxTextLength} characters`, {
    hint: 'Upload it with "tracecraft artifact upload" and name it with --artifact.',
  });
}

/**
 * The text as it will be shared: without its secrets if `redact`. `warn` receives the kinds found.
 */
export async function textToShare(
  settings: Settings,
  {
    what,
    text,
    redact,
  }: { readonly what: string; readonly text: string; readonly redact: boolean },
  warn: (line: string) => void,
): Promise<string> {
  const checked = await checkShortText(settings, text, redact);
  if (checked.found !== undefined) warn(secretWarning(what, checked.found, redact));
  return checked.text;
}
