import type { Settings } from '../config/settings.js';
import { countsText } from '../redact/counts.js';
import { knownFromHere, redactorOf } from './redaction.js';

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

interface CheckedValue {
  readonly value: unknown;
  readonly found: string | undefined;
}

/** The same for a JSON value; a key like `….password` is also a clue. */
export function checkSecretsOfValue(
  settings: Settings,
  { key, value }: { readonly key: string; readonly value: unknown },
  redact: boolean,
): CheckedValue {
  const name = key.slice(key.lastIndexOf('.') + 1);
  const { text, found } = checkSecrets(settings, JSON.stringify({ [name]: value }), redact);
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

/** The warning: what was found, and what happened to it. */
export function secretWarning(what: string, found: string, redact: boolean): string {
  return redact
    ? `${what} contained what looks like a secret; redacted: ${found}`
    : `${what} contains what looks like a secret (${found}) and is shared unchanged; --redact replaces it`;
}
