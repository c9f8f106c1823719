/** The harnesses whose transcripts are mirrored, as spelled in keys. */
export const harnesses = ['claude-code', 'codex', 'hermes', 'openclaw'] as const;
export type Harness = (typeof harnesses)[number];
