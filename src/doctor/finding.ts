/** Something that is not as it should be, or that is worth knowing. */
export interface Finding {
  /** Stable: scripts may look for it. */
  readonly name: string;
  /** `note`: worth knowing, and nothing is wrong. */
  readonly severity: 'error' | 'warning' | 'note';
  /** One sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
}

export interface Examined {
  /** What was looked at, e.g. `config`. */
  readonly check: string;
  /** What was seen and is worth telling, wrong or not. Never a secret. */
  readonly facts: readonly string[];
  readonly findings: readonly Finding[];
}

export function isWrong({ severity }: Finding): boolean {
  return severity !== 'note';
}
