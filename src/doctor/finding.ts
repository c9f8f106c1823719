/** A problem, or something worth knowing. */
export interface Finding {
  /** Stable: scripts may match it. */
  readonly name: string;
  /** `note`: worth knowing, but nothing is wrong. */
  readonly severity: 'error' | 'warning' | 'note';
  /** One sentence. */
  readonly message: string;
  /** How to fix it. */
  readonly fix: string;
}

export interface Examined {
  /** What was checked, e.g. `config`. */
  readonly check: string;
  /** What is worth reporting, problem or not. Never a secret. */
  readonly facts: readonly string[];
  readonly findings: readonly Finding[];
}

export function isWrong({ severity }: Finding): boolean {
  return severity !== 'note';
}
