/** Whose transcripts are mirrored, by the name that stands in keys. */
export const harnesses = ['claude-code', 'codex', 'hermes', 'openclaw'] as const;
export type Harness = (typeof harnesses)[number];
