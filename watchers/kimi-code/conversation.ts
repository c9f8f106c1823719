import {
  type Fields,
  fields,
  finite,
  json,
  list,
  text,
  word,
} from '../../src/conversation/fields.js';
import type { Place } from '../../src/conversation/place.js';
import type { Reader } from '../../src/conversation/reader.js';
import { noted, type Piece, type RowReading, type Tell } from '../../src/conversation/row.js';
import { type LoneRow, rowByRowReader } from '../../src/conversation/row-by-row.js';

type Base = Pick<RowReading, 'name' | 'atMs' | 'id'>;

function readKimiRow(value: unknown, place?: Place): LoneRow {
  const row = fields(value);
  if (place?.stream === 'state') {
    return { ...noted('state', { atMs: undefined, id: undefined }), isState: true };
  }
  const base = { name: word(row.type) ?? 'row', atMs: finite(row.time), id: undefined };
  const given = (...pieces: readonly Piece[]): RowReading => ({ ...base, pieces, tells: [] });
  const origin = place !== undefined && isAgent(place.stream) ? 'agent' : 'human';
  switch (base.name) {
    case 'turn.prompt': {
      const { said, images } = contentOf(row.input);
      if (said === '' && images === 0) return noted(base.name, base);
      return given({ kind: 'prompt', origin, text: said, images, ...keyed(row.promptId) });
    }
    case 'context.append_message':
      return messageReading(fields(row.message), base, origin);
    case 'context.append_loop_event':
      return given(...eventPieces(fields(row.event)));
    case 'context.apply_compaction':
      return given({ kind: 'compaction', part: 'whole', summary: text(row.summary) });
    case 'context.undo':
      return { ...noted(base.name, base), takesBack: finite(row.count) ?? 1 };
    case 'turn.ended':
      return noted(base.name, base, endOf(row.reason));
    default:
      return noted(base.name, base);
  }
}

/** A prompt that is repeated in the model's context, or what the harness adds there. */
function messageReading(message: Fields, base: Base, origin: 'agent' | 'human'): LoneRow {
  const { said, images } = contentOf(message.content);
  const { kind } = fields(message.origin);
  if (message.role !== 'user' || (said === '' && images === 0)) return noted(base.name, base);
  const piece: Piece =
    kind === 'user'
      ? { kind: 'prompt', origin, text: said, images, ...keyed(message.id) }
      : { kind: 'context', source: 'system', text: said };
  return { ...base, pieces: [piece], tells: [] };
}

function keyed(id: unknown): { readonly key?: string } {
  const key = word(id);
  return key === undefined ? {} : { key };
}

function eventPieces(event: Fields): readonly Piece[] {
  const response = { responseId: word(event.stepUuid), model: undefined };
  switch (event.type) {
    case 'content.part': {
      const part = fields(event.part);
      const thought = text(part.think);
      if (thought !== undefined) return [{ kind: 'thinking', text: thought, ...response }];
      const said = text(part.text);
      return said === undefined ? [] : [{ kind: 'answer', text: said, ...response }];
    }
    case 'tool.call': {
      const tool = word(event.name) ?? 'tool';
      return [
        { kind: 'call', callId: word(event.toolCallId), tool, input: event.args, ...response },
      ];
    }
    case 'tool.result': {
      const result = fields(event.result);
      const durationMs = finite(result.durationMs);
      return [
        {
          kind: 'result',
          callId: word(event.toolCallId),
          text: outputOf(result.output),
          isError: result.isError === true,
          images: 0,
          ...(durationMs === undefined ? {} : { durationMs }),
        },
      ];
    }
    default:
      return [];
  }
}

function outputOf(output: unknown): string {
  return Array.isArray(output) ? contentOf(output).said : json(output ?? '');
}

function contentOf(content: unknown): { readonly said: string; readonly images: number } {
  if (typeof content === 'string') return { said: text(content) ?? '', images: 0 };
  const parts = list(content).map(fields);
  const said = parts.map((part) => text(part.text)).filter((one) => one !== undefined);
  const images = parts.filter(({ type }) => type === 'image_url' || type === 'image').length;
  return { said: said.join('\n'), images };
}

function endOf(reason: unknown): readonly Tell[] {
  if (reason === 'completed') return [{ kind: 'end', state: 'done' }];
  return reason === 'cancelled' || reason === 'interrupted'
    ? [{ kind: 'end', state: 'interrupted' }]
    : [];
}

function isAgent(stream: string): boolean {
  return stream.startsWith('agents/');
}

/** Everything else repeats what these rows say, or is about how the agent runs. */
const bookkeeping =
  /^(?:metadata|state|runtime\.|profile\.|permission\.|agent\.|llm\.|usage\.|token_counting\.|turn\.|prompt\.|plugin\.|file_history\.|context\.|full_compaction\.)/;

/** Kimi Code's wires as conversations. */
export const kimiCodeReader: Reader = rowByRowReader('kimi-code', {
  read: readKimiRow,
  needsWhole: true,
  isBookkeeping: (name) => bookkeeping.test(name),
  isAgent,
});
