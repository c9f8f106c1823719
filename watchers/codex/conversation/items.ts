import {
  type Fields,
  fields,
  finite,
  json,
  list,
  opened,
  text,
  word,
} from '../../../src/conversation/fields.js';
import {
  noted,
  type Piece,
  type ResultPiece,
  type RowReading,
  reading,
  type Tell,
} from '../../../src/conversation/row.js';
import type { CodexRow } from './rows.js';

type Base = Pick<RowReading, 'atMs' | 'id'>;

/** What was sent to the model, or came back from it. */
export function readItem(item: Fields, base: Base): CodexRow {
  const type = word(item.type) ?? 'item';
  switch (type) {
    case 'message':
      return messageReading(item, base);
    case 'reasoning': {
      const said = partsText(item.summary) ?? partsText(item.content);
      if (said === undefined) return noted('reasoning', base);
      const { id: responseId } = base;
      return given('reasoning', base, {
        kind: 'thinking',
        text: said,
        responseId,
        model: undefined,
      });
    }
    case 'agent_message': {
      const said = partsText(item.content);
      return said === undefined
        ? noted(type, base)
        : given(type, base, { kind: 'context', source: 'agent', text: said });
    }
    default:
      if (type.endsWith('_call')) return callReading(type, item, base);
      if (type.endsWith('_output')) return outputReading(type, item, base);
      return noted(type, base);
  }
}

function given(name: string, base: Base, piece: Piece, tells: readonly Tell[] = []): RowReading {
  return reading(name, base, [piece], tells);
}

function messageReading(item: Fields, base: Base): CodexRow {
  const { role } = item;
  const said = partsText(item.content);
  const name = `message ${word(role) ?? ''}`.trim();
  if (role === 'assistant') {
    if (said === undefined) return noted(name, base);
    const { id: responseId } = base;
    return given(name, base, { kind: 'answer', text: said, responseId, model: undefined });
  }
  if (role !== 'user') return contextReading(name, item, said, base);
  const images = list(item.content).filter((part) => fields(part).type === 'input_image').length;
  if (said === undefined && images === 0) return noted(name, base);
  return userReading(name, said ?? '', images, base);
}

/** Instructions are the harness's own bookkeeping; text added by a hook becomes context. */
function contextReading(
  name: string,
  item: Fields,
  said: string | undefined,
  base: Base,
): RowReading {
  const metadata = fields(item.internal_chat_message_metadata_passthrough);
  const isHook =
    list(metadata.content_item_kinds).includes('hooks.additional_context') ||
    list(metadata.content_item_metadata).some(
      (one) => fields(fields(one).provenance).hook === true,
    );
  if (!isHook || said === undefined) return noted(name, base);
  const source = /^tracecraft: \d+ new messages? /.test(said) ? 'mail' : 'hook';
  return given(name, base, { kind: 'context', source, text: said });
}

/** Text that the harness puts before the model in the user's name is in a tag, or is an instruction file. */
const harnessWords = /^\s*(?:<[a-z]|# AGENTS\.md instructions)/i;

function userReading(name: string, said: string, images: number, base: Base): CodexRow {
  if (said.startsWith('<subagent_notification>')) {
    const agent = word(fields(opened(tagged(said, 'subagent_notification'))).agent_path);
    const task = agent === undefined ? {} : { task: agent };
    return given(name, base, { kind: 'notice', notice: 'notification', text: said, ...task });
  }
  if (said.startsWith('<turn_aborted>')) {
    return given(name, base, { kind: 'notice', notice: 'interruption', text: said });
  }
  if (said.startsWith('<user_shell_command>')) {
    const args = tagged(said, 'command')?.trim() ?? '';
    const output = tagged(said, 'result')?.trim() ?? '';
    return given(name, base, { kind: 'command', name: '!', args, output });
  }
  if (harnessWords.test(said)) return noted(`${name} context`, base);
  const prompt = { kind: 'prompt', origin: 'human', text: said, images } as const;
  return { ...given(name, base, prompt), promptIn: 'item' };
}

function tagged(said: string, name: string): string | undefined {
  const start = said.indexOf(`<${name}>`);
  const end = said.indexOf(`</${name}>`, start);
  return start === -1 || end === -1 ? undefined : said.slice(start + name.length + 2, end);
}

function callReading(type: string, item: Fields, base: Base): RowReading {
  // Tools that run on the model's side have no call id, and no result in a separate row.
  const callId = word(item.call_id) ?? base.id;
  const tool = word(item.name) ?? type.replace(/_call$/, '');
  const input = opened(item.arguments ?? item.input ?? item.action);
  const model = undefined;
  return given(type, base, { kind: 'call', callId, tool, input, responseId: undefined, model });
}

function outputReading(type: string, item: Fields, base: Base): RowReading {
  const callId = word(item.call_id);
  const output = outputOf(item.output ?? item.tools);
  const piece: ResultPiece = { kind: 'result', callId, ...output };
  const agent = word(fields(opened(item.output)).agent_id);
  const tells: readonly Tell[] =
    agent === undefined || callId === undefined
      ? []
      : [{ kind: 'child', callId, child: { id: agent, session: agent, stream: '' } }];
  return given(type, base, piece, tells);
}

type Output = Pick<ResultPiece, 'text' | 'isError' | 'images' | 'exitCode'>;

/** A text whose head says how the command ended, JSON with an `output`, or parts. */
function outputOf(output: unknown): Output {
  if (Array.isArray(output)) {
    const images = output.filter((part) => fields(part).type === 'input_image').length;
    return { text: partsText(output) ?? '', isError: false, images };
  }
  const value = fields(opened(output));
  const said = text(value.output) ?? text(value.content) ?? partsText(value.content);
  const exitCode = finite(fields(value.metadata).exit_code) ?? exitCodeIn(output);
  return {
    text: said ?? text(value.text) ?? withoutHead(output === undefined ? '' : json(output)),
    isError: value.success === false,
    images: 0,
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

const head =
  /^(?:(?:Chunk ID|Wall time|Exit code|Original token count|Total output lines): .*\n|Process exited with code .*\n)+Output:\n/;

function exitCodeIn(output: unknown): number | undefined {
  if (typeof output !== 'string') return undefined;
  const [found = ''] = head.exec(output.slice(0, 1_000)) ?? [];
  const [, code] = /^(?:Process exited with code|Exit code:) (-?\d+)$/m.exec(found) ?? [];
  return code === undefined ? undefined : Number(code);
}

function withoutHead(output: string): string {
  const [found = ''] = head.exec(output.slice(0, 1_000)) ?? [];
  return output.slice(found.length);
}

/** The text of those parts that have any; pictures are wrapped in tags that name them. */
export function partsText(content: unknown): string | undefined {
  if (typeof content === 'string') return text(content);
  const parts = list(content).map((one) => text(one) ?? text(fields(one).text));
  const said = parts.filter((part) => part !== undefined && !/^<\/?image\b[^>]*>$/.test(part));
  return text(said.join('\n'));
}
