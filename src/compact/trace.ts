/**
 * The version of these mappings; a trace made by an older one is rewritten.
 *
 * Viewers identify a trace by its rows (https://huggingface.co/docs/hub/agent-traces). They know
 * Claude Code's, Codex's and Pi's. Others either use Pi's format, with the harness named in the
 * header, or a simple format of a header and messages
 * (https://huggingface.co/docs/hub/session-traces-format).
 */
export const traceMapping = 2;

/** A row of a trace before encoding. */
export type TraceRow = Readonly<Record<string, unknown>>;

/** The session a trace was made from. */
export interface TraceOf {
  readonly harness: string;
  readonly session: string;
}
