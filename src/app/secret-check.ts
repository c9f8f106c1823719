import type { Settings } from '../config/settings.js';
import { countsText } from '../redact/counts.js';
import { knownFromHere } from './known-secrets.js';
import { redactorOf } from './redaction.js';
import { textOfValue } from './value-text.js';

export interface Checked {
  /** The text, without its secrets if the user asked for redaction. */
  readonly text: string;
  /** What looks like a secret, by kind and number, e.g. `github-token:1`; `undefined` if nothing does. */
  readonly found: string | undefined;
}

/** What the mirror would redact in a text someone is about to share. */
export function checkSecrets(settings: Settings, text: string, redact: boolean): Checked {
  const redactor = redactorOf(settings, knownFromHere(settings, process.env));
  const { bytes, counts } = redactor.redact(Buffer.from(text));
  if (counts === undefined) return { text, found: undefined };
  return {
    text: redact ? bytes.toString('utf8') : text,
    found: countsText(Object.fromEntries(counts)),
  };
}

export interface CheckedValue {
  readonly value: unknown;
  readonly found: string | undefined;
}

/** The same for a JSON value; a key like `….password` is also a clue. */
export function checkSecretsOfValue(
  settings: Settings,
  { key, value }: { readonly key: string; readonly value: unknown },
  redact: boolean,
): CheckedValue {
  const { text, found } = checkSecrets(settings, textOfValue(key, value), redact);
  if (found === undefined || !redact) return { value, found };
  return { value: onlyValueOf(text), found };
}

/** Redacted as a whole, it no longer parses, so it becomes a string. */
function onlyValueOf(json: string): unknown {
  try {
    const parsed: unknown = JSON.parse(json);
    if (typeof parsed === 'object' && parsed !== null) return Object.values(parsed)[0];
  } catch {
    return json;
  }
  return json;
}
