/** The warning: what was found, and what happened to it. */
export function secretWarning(what: string, found: string, redact: boolean): string {
  return redact
    ? `${what} contained what looks like a secret; redacted: ${found}`
    : `${what} contains what looks like a secret (${found}) and is shared unchanged; --redact replaces it`;
}
