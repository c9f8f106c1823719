/** Rows that add nothing to what other rows say: what is typed and answered has rows of its own. They are not searched. */
const rows: ReadonlySet<string> = new Set([
  'agent-name',
  'ai-title',
  'api-request',
  'api-request-blob',
  'api-request-shape',
  'assistant',
  'atis-latch',
  'bridge-session',
  'cost-state',
  'custom-title',
  'file-history-delta',
  'file-history-snapshot',
  'frame-link',
  'last-prompt',
  'mode',
  'permission-mode',
  'pr-link',
  'queue-operation',
  'relocated',
  'started',
  'summary',
  'system compact_boundary',
  'system session_start',
  'system stop_hook_summary',
  'system turn_duration',
  'tools-used',
  'user',
  'user meta',
  'worktree-state',
]);

/** Attachments tell the model about its environment, and progress repeats what a tool or an agent says later. */
export function isKnownBookkeeping(name: string): boolean {
  return rows.has(name) || name.startsWith('attachment ') || name.startsWith('progress');
}
