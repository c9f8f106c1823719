/**
 * The version of these mappings; a trace of an older one is written anew.
 *
 * Viewers tell a trace by its rows (https://huggingface.co/docs/hub/agent-traces). Claude Code's, Codex's and Pi's they know.
 * Others either have Pi's form, with the harness named in the header, or are told in a simple form of a header and messages
 * (https://huggingface.co/docs/hub/session-traces-format).
 */
export const traceMapping = 2;

/** A row of a trace, before it is spelled. */
export type TraceRow = Readonly<Record<string, unknown>>;

/** The session that a trace is of. */
export interface TraceOf {
  readonly harness: string;
  readonly session: string;
}
