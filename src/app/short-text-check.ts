import type { Settings } from '../config/settings.js';
import { mayHoldSecret } from '../redact/glance.js';
import { knownFromHere } from './known-secrets.js';
import type { Checked, CheckedValue } from './secret-check.js';
import { textOfValue } from './value-text.js';

/**
 * What `checkSecrets` does, for commands that share a sentence or two: the engine is loaded only if
 * there is something for it to look at.
 */
export async function checkShortText(
  settings: Settings,
  text: string,
  redact: boolean,
): Promise<Checked> {
  if (!needsEngine(settings, text)) return { text, found: undefined };
  const { checkSecrets } = await import('./secret-check.js');
  return checkSecrets(settings, text, redact);
}

/** The same for a JSON value. */
export async function checkShortValue(
  settings: Settings,
  entry: { readonly key: string; readonly value: unknown },
  redact: boolean,
): Promise<CheckedValue> {
  if (!needsEngine(settings, textOfValue(entry.key, entry.value)))
    return { value: entry.value, found: undefined };
  const { checkSecretsOfValue } = await import('./secret-check.js');
  return checkSecretsOfValue(settings, entry, redact);
}

function needsEngine(settings: Settings, text: string): boolean {
  const { disable = [], patterns = [] } = settings.redact;
  // The engine also checks what the config says about it.
  if (disable.length > 0 || patterns.length > 0) return true;
  return mayHoldSecret(Buffer.from(text), knownFromHere(settings, process.env));
}
