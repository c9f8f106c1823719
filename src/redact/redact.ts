/** What the mirror and the commands ask of the redaction engine. */
export interface Redactor {
  /** Changes whenever the same line may come out differently: rule set and the user's own settings, never a secret. */
  readonly version: string;
  /**
   * One line (with or without its newline) or one whole text. Deterministic, keeps every newline, and returns the very same
   * Buffer when nothing was found. A secret becomes `[REDACTED:<kind>]`, kind of `[a-z0-9-]`. Never throws: what it cannot
   * finish within its budget is redacted whole and counted as `budget`.
   */
  redact(line: Buffer): Redaction;
}

/** For whoever asked for transcripts as they are. */
export const noRedaction: Redactor = {
  version: 'none',
  redact: (line) => ({ bytes: line, counts: undefined }),
};

export interface Redaction {
  readonly bytes: Buffer;
  /** How many of each kind; `undefined` when the line is clean. */
  readonly counts: ReadonlyMap<string, number> | undefined;
}
