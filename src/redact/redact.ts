/** The redaction engine as the mirror and the commands use it. */
export interface Redactor {
  /**
   * Changes whenever the same line may be redacted differently: covers the rule set and the user's
   * own settings, but no secret.
   */
  readonly version: string;
  /**
   * One line (with or without its newline) or one whole text. Deterministic, keeps every newline,
   * and returns the same Buffer if nothing was found. A secret becomes `[REDACTED:<kind>]`, where
   * kind is `[a-z0-9-]+`. Never throws: whatever exceeds its budget is redacted whole and counted
   * as `budget`.
   */
  redact(line: Buffer): Redaction;
}

/** For users who asked for unredacted transcripts. */
export const noRedaction: Redactor = {
  version: 'none',
  redact: (line) => ({ bytes: line, counts: undefined }),
};

export interface Redaction {
  readonly bytes: Buffer;
  /** How many of each kind; `undefined` when the line is clean. */
  readonly counts: ReadonlyMap<string, number> | undefined;
}
