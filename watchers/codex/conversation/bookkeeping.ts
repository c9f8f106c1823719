/** Rows that say nothing that other rows do not say. They are not searched. */
const rows: ReadonlySet<string> = new Set([
  'account/rateLimits/updated',
  'agent_message',
  'agent_reasoning',
  'agent_reasoning_raw_content',
  'compacted',
  'context_compacted',
  'exec_command_begin',
  'ghost_snapshot',
  'inter_agent_communication_metadata',
  'mcp_tool_call_begin',
  'message assistant',
  'message developer',
  'message system',
  'message user',
  'message user context',
  'patch_apply_begin',
  'reasoning',
  'record state',
  'session_meta',
  'task_started',
  'thread_rolled_back',
  'thread_settings_applied',
  'token_count',
  'token_usage_record',
  'turn_context',
  'turn_diff',
  'turn_started',
  'world_state',
]);
/** Its items also give a call's arguments and result. */
const repeating =
  /^(?:item_completed |collab_|guardian_|turn\.|exec_command_end$|patch_apply_end$|mcp_tool_call_end$|web_search_|task_complete$|turn_complete$)/;

export function isKnownBookkeeping(name: string): boolean {
  return rows.has(name) || repeating.test(name);
}
