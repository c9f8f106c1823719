import {
  type Fields,
  fields,
  finite,
  json,
  list,
  text,
  word,
} from '../../../src/conversation/fields.js';
import {
  type DetailTell,
  noted,
  type Piece,
  type RowReading,
  type Tell,
} from '../../../src/conversation/row.js';
import { partsText } from './items.js';
import type { CodexRow } from './rows.js';

type Base = Pick<RowReading, 'atMs' | 'id'>;

/**
 * Events that Codex reports to its clients. Most repeat items; only prompts, how calls ended, and problems come from
 * events alone.
 */
export function readEvent(event: Fields, base: Base): CodexRow {
  const type = word(event.type) ?? 'event';
  const threadId = word(event.thread_id);
  const reading = readingOf(type, event, base);
  return threadId === undefined ? reading : { ...reading, threadId };
}

function readingOf(type: string, event: Fields, base: Base): CodexRow {
  const given = (piece: Piece, tells: readonly Tell[] = []): RowReading => ({
    name: type,
    ...base,
    pieces: [piece],
    tells,
  });
  switch (type) {
    case 'user_message':
      return promptReading(type, event, base);
    case 'item_completed':
      return itemReading(fields(event.item), base);
    case 'turn_aborted': {
      const said = text(event.reason) ?? 'interrupted';
      const tells: readonly Tell[] = [{ kind: 'end', state: 'interrupted' }];
      return given({ kind: 'notice', notice: 'interruption', text: said }, tells);
    }
    case 'error':
      return given({ kind: 'notice', notice: 'error', text: errorText(event) });
    case 'stream_error':
      return given({ kind: 'notice', notice: 'retries', text: errorText(event) });
    case 'task_complete':
    case 'turn_complete':
      return endReading(type, event, base);
    case 'entered_review_mode':
      return given({ kind: 'notice', notice: 'review', text: text(event.user_facing_hint) ?? '' });
    case 'exited_review_mode':
      return given({ kind: 'notice', notice: 'review', text: reviewText(event.review_output) });
    case 'thread_name_updated': {
      const name = text(event.thread_name);
      return noted(
        type,
        base,
        name === undefined ? [] : [{ kind: 'title', by: 'user', text: name }],
      );
    }
    case 'thread_rolled_back':
      return { ...noted(type, base), takesBack: finite(event.num_turns) ?? 0 };
    default:
      return noted(type, base, tellsIn(type, event));
  }
}

/** Instruction files were once sent as user messages, of their own kinds. */
const otherKinds: ReadonlySet<unknown> = new Set(['user_instructions', 'environment_context']);

function promptReading(name: string, event: Fields, base: Base): CodexRow {
  const said = text(event.message);
  const images = list(event.images).length + list(event.local_images).length;
  if (otherKinds.has(event.kind) || (said === undefined && images === 0)) return noted(name, base);
  return prompted(name, base, said ?? '', images);
}

function prompted(name: string, base: Base, said: string, images: number): CodexRow {
  const piece = { kind: 'prompt', origin: 'human', text: said, images } as const;
  return { name, ...base, pieces: [piece], tells: [], promptIn: 'event' };
}

/** Finished items; the items themselves repeat what the model said and thought. */
function itemReading(item: Fields, base: Base): CodexRow {
  const type = word(item.type) ?? '';
  const name = `item_completed ${type}`.trim();
  if (type === 'UserMessage') {
    const said = partsText(item.content) ?? '';
    const images = list(item.content).filter((part) =>
      /image/i.test(word(fields(part).type) ?? ''),
    );
    if (said === '' && images.length === 0) return noted(name, base);
    return prompted(name, { ...base, id: word(item.id) }, said, images.length);
  }
  const callId = word(item.id);
  if (callId === undefined) return noted(name, base);
  if (type === 'CollabAgentToolCall') return noted(name, base, spawnTells(item, callId));
  const detail = itemDetail(type, item, callId);
  return noted(name, base, detail === undefined ? [] : [detail]);
}

function spawnTells(item: Fields, callId: string): readonly Tell[] {
  if (item.tool !== 'spawn_agent') return [];
  const agents = list(item.receiver_thread_ids).map(word);
  return agents
    .filter((id) => id !== undefined)
    .map((id) => ({ kind: 'child', callId, child: { id, session: id, stream: '' } }));
}

function itemDetail(type: string, item: Fields, callId: string): DetailTell | undefined {
  switch (type) {
    case 'CommandExecution':
      return commandDetail(item, callId);
    case 'FileChange':
      return patchDetail(item, callId, item.status === 'failed' || item.status === 'declined');
    case 'McpToolCall': {
      const isError = text(fields(item.error).message) !== undefined || hasFailed(item.result);
      return mcpDetail(
        { server: item.server, tool: item.tool },
        item.result ?? item.error,
        callId,
        isError,
      );
    }
    default:
      return undefined;
  }
}

function tellsIn(type: string, event: Fields): readonly Tell[] {
  const callId = word(event.call_id);
  if (callId === undefined) return [];
  switch (type) {
    case 'exec_command_end':
      return [commandDetail(event, callId)];
    case 'patch_apply_end':
      return [patchDetail(event, callId, event.success === false)];
    case 'mcp_tool_call_end': {
      const { Ok: ok, Err: error } = fields(event.result);
      return [
        mcpDetail(fields(event.invocation), ok ?? error, callId, ok === undefined || hasFailed(ok)),
      ];
    }
    case 'collab_agent_spawn_end': {
      const id = word(event.new_thread_id);
      if (id === undefined) return [];
      return [{ kind: 'child', callId, child: { id, session: id, stream: '' } }];
    }
    default:
      return [];
  }
}

function commandDetail(event: Fields, callId: string): DetailTell {
  const exitCode = finite(event.exit_code);
  const durationMs = durationOf(event.duration);
  return {
    kind: 'detail',
    callId,
    tool: 'exec_command',
    text: text(event.aggregated_output) ?? text(event.stdout) ?? text(event.stderr) ?? '',
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(durationMs === undefined ? {} : { durationMs }),
  };
}

function patchDetail(event: Fields, callId: string, isError: boolean): DetailTell {
  const diffs = Object.entries(fields(event.changes)).map(([path, change]) => {
    const { unified_diff: diff, content, diff: plain } = fields(change);
    return [path, text(diff) ?? text(plain) ?? text(content)].filter((one) => one !== undefined);
  });
  const diff = text(diffs.flat().join('\n'));
  return {
    kind: 'detail',
    callId,
    tool: 'apply_patch',
    text: text(event.stdout) ?? text(event.stderr) ?? '',
    isError,
    ...(diff === undefined ? {} : { diff }),
  };
}

function mcpDetail(
  { server, tool }: Fields,
  result: unknown,
  callId: string,
  isError: boolean,
): DetailTell {
  const said = text(result) ?? text(fields(result).message) ?? partsText(fields(result).content);
  const name = [word(server), word(tool)].filter((one) => one !== undefined).join('.');
  return { kind: 'detail', callId, tool: name, text: said ?? '', isError };
}

function hasFailed(result: unknown): boolean {
  const { isError, is_error: isFlagged } = fields(result);
  return isError === true || isFlagged === true;
}

function durationOf(value: unknown): number | undefined {
  const { secs, nanos } = fields(value);
  const seconds = finite(secs);
  return seconds === undefined ? undefined : seconds * 1_000 + (finite(nanos) ?? 0) / 1e6;
}

function endReading(name: string, event: Fields, base: Base): RowReading {
  const error = text(fields(event.error).message);
  if (error === undefined) return noted(name, base, [{ kind: 'end', state: 'done' }]);
  const notice = { kind: 'notice', notice: 'error', text: error } as const;
  return { name, ...base, pieces: [notice], tells: [{ kind: 'end', state: 'failed' }] };
}

function errorText(event: Fields): string {
  return text(event.message) ?? text(fields(event.error).message) ?? json(event.error ?? '');
}

function reviewText(output: unknown): string {
  const { overall_explanation: explanation, findings } = fields(output);
  const titles = list(findings).map((one) => text(fields(one).title));
  const said = [text(explanation), ...titles].filter((one) => one !== undefined);
  return said.join('\n');
}
