import { alternations, isDense, isRandom, isSequence } from './entropy.js';

/** Texts in place of a secret: placeholders, and references to where the value is kept. */

const placeholderWords =
  /your|example|placeholder|change.?me|redacted|dummy|sample|insert|replace|fixme|foobar|lorem|invalid|secret.?here|key.?here|token.?here|password|passwd|deadbeef|qwerty|undefined|not.?(?:a.?)?real|fake.?(?:key|token|secret)|test.?(?:key|token|secret)|my.?(?:key|token|secret|api)|(?:api|secret|access|auth|private).?(?:key|token)/i;

/**
 * Whether it is a placeholder for a secret: `your-key-here`, `xxxxxxxx`, `1234567890abcdef`,
 * `sk-...`.
 */
export function isPlaceholder(text: string): boolean {
  if (text.includes('[REDACTED')) return true;
  if (isMasked(text) || isSequence(text) || /x{8}/i.test(text)) return true;
  if (text.length > 80) return false;
  const found = placeholderWords.exec(text) ?? /x{4}|X{4}/.exec(text);
  return found !== null && isWrittenAsWord(found[0]) && !isRestRandom(text, found[0]);
}

/** In random text, words occur in mixed case … */
function isWrittenAsWord(word: string): boolean {
  return /^(?:[^A-Z]+|[^a-z]+|[A-Z][^A-Z]+|[a-z]+(?:[^A-Za-z]?[A-Z][a-z]+)+)$/.test(word);
}

/** … and among letters and digits that alternate as nobody would type them. */
function isRestRandom(text: string, word: string): boolean {
  const rest = text.replace(word, '');
  return rest.length >= 12 && alternations(rest) >= 4 && !isSequence(rest);
}

function isMasked(text: string): boolean {
  return /\*{3}|\.{3}|\xe2\x80\xa6|\xe2\x80\xa2|#{4}|_{4}|-{5}|\?{3}|(?:<|&lt;|&#x3c;)[A-Za-z][\w .|-]{2,40}(?:>|$)/i.test(
    text,
  );
}

const templates =
  /\$\{[^}]*\}|\$\([^)]*\)|\{\{.*\}\}|#\{[^}]*\}|%\([A-Za-z_]+\)|^%[A-Z_]{3,}%$|<%.*%>|^\{[A-Za-z_][\w.]*\}$|(?:^|\W)%[sdv](?:\W|$)/;
const references =
  /^(?:\$[A-Za-z_]\w*(?:[/:.]|$)|\$[{(]|%[A-Za-z_]+%$|process\.env|os\.|env\.|ENV\b|@[\w./-]+\.\w{2,5}$|!(?:Ref|Sub|GetAtt|ImportValue|vault|reference|env|secret)\b|vault:|op:\/\/|arn:|ssm:|ref\+|secretsmanager|projects\/|file:|sha(?:1|256|384|512)[-:~])/;
const places =
  /^(?:\.{1,2}\/|~\/|[A-Za-z]:[\\/]|[a-z][a-z0-9+.-]{1,20}:\/\/|[a-z0-9-]+(?:\.[a-z0-9-]+)+\/|www\.)/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const credentialScope = /\/aws4_request$/;
const moments = /^\d{4}-\d\d-\d\d(?:[T ]|$)/;

/** Whether the text only says where to find a value or how to create it. */
export function isReference(text: string): boolean {
  if (templates.test(text) || references.test(text) || places.test(text)) return true;
  return moments.test(text) || credentialScope.test(text) || isPath(text) || isSessionKey(text);
}

/** `agent:main:cron:<uuid>`, as OpenClaw calls its sessions: words, numbers and UUIDs. */
function isSessionKey(text: string): boolean {
  if (!text.startsWith('agent:')) return false;
  const parts = text.split(':').slice(1);
  return (
    parts.length >= 2 &&
    parts.every((part) => isUuid(part) || (/^[\w.@+-]+$/.test(part) && !isDense(part)))
  );
}

/** Base64 may begin with a slash too. */
function isPath(text: string): boolean {
  if (!/^\/[A-Za-z][\w.-]*(?:\/|$)/.test(text)) return false;
  return !(isRandom(text) && /[A-Z]/.test(text) && /\d/.test(text));
}

export function isUuid(text: string): boolean {
  return uuid.test(text);
}
