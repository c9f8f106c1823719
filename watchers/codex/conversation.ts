import type { PromptOrigin } from '../../src/conversation/conversation.js';
import type { RowReader } from '../../src/conversation/fold.js';
import type { Place } from '../../src/conversation/place.js';
import { createReader, type Reader } from '../../src/conversation/reader.js';
import type { Piece, PlacedRow, Tell } from '../../src/conversation/row.js';
import { isKnownBookkeeping } from './conversation/bookkeeping.js';
import { Copies } from './conversation/copies.js';
import { CodexTurns } from './conversation/outline.js';
import { type Prompts, promptsIn } from './conversation/prompts.js';
import {
  type CodexRow,
  readCodexRow,
  type ThreadMeta,
  type ThreadRow,
} from './conversation/rows.js';
import { isOwnName, isOwnThread, metaTells, originOf } from './conversation/thread.js';

/** The rows of one thread's rollout. */
class CodexRows implements RowReader {
  readonly #rows: ThreadRow[] = [];
  readonly #copies: Copies;
  readonly #session: string;
  #meta: ThreadMeta | undefined;

  constructor({ session }: Place) {
    this.#session = session;
    this.#copies = new Copies(session);
  }

  get isSubagent(): boolean {
    return this.#meta?.isSubagent === true;
  }

  row(value: unknown, line: number): void {
    const row = readCodexRow(value);
    this.#rows.push({ row, line, isInherited: this.#copies.isCopy(row) });
    this.#meta ??= row.meta;
  }

  rows(): readonly PlacedRow[] {
    const prompts = promptsIn(this.#rows.filter((one) => !this.#isOthers(one)));
    const rewound = rewoundRows(this.#rows, prompts);
    const tools = this.#tools();
    const origin = originOf(this.#meta);
    let model: string | undefined;
    return this.#rows.map((one, index) => {
      const { row, line, isInherited } = one;
      model = row.model ?? model;
      const isAbandoned = rewound.has(index);
      const { name, atMs, id } = row;
      const lines = [line];
      if (this.#isOthers(one)) {
        const tells = this.#others(row);
        return { name, atMs, id, pieces: [], tells, lines, isInherited, isAbandoned };
      }
      const prompt = prompts.get(row);
      const given = prompt === undefined ? row.pieces : [prompt];
      const pieces = given.map((piece) => settled(piece, model, origin));
      const tells = row.tells.filter(
        (tell) => isTrue(tell, tools) && isOwnName(tell, row, this.#session),
      );
      if (row.meta === this.#meta) tells.push(...metaTells(row.meta));
      return { name, atMs, id, pieces, tells, lines, isInherited, isAbandoned };
    });
  }

  /** A review runs in a thread of its own, whose prompt is recorded in this one. */
  #isOthers({ row, isInherited }: ThreadRow): boolean {
    const { promptIn, threadId } = row;
    const isOwn = isOwnThread(threadId, this.#session, this.#meta?.id);
    return promptIn === 'event' && !isInherited && !isOwn;
  }

  #others({ threadId: id }: CodexRow): readonly Tell[] {
    if (id === undefined) return [];
    return [{ kind: 'child', callId: undefined, child: { id, session: id, stream: '' } }];
  }

  #tools(): ReadonlyMap<string, string> {
    const tools = new Map<string, string>();
    for (const { row } of this.#rows) {
      for (const piece of row.pieces) {
        if (piece.kind === 'call' && piece.callId !== undefined)
          tools.set(piece.callId, piece.tool);
      }
    }
    return tools;
  }
}

function settled(piece: Piece, model: string | undefined, origin: PromptOrigin): Piece {
  if (piece.kind === 'prompt') return { ...piece, origin };
  if (piece.kind === 'answer' || piece.kind === 'thinking' || piece.kind === 'call') {
    return { ...piece, model };
  }
  return piece;
}

/** Any tool may print an `agent_id`; only that of a spawning tool counts. */
function isTrue(tell: Tell, tools: ReadonlyMap<string, string>): boolean {
  if (tell.kind !== 'child' || tell.callId === undefined) return true;
  return /spawn/.test(tools.get(tell.callId) ?? 'spawn');
}

/** Indexes of rows whose turns were rolled back, with everything that followed up to then. */
function rewoundRows(rows: readonly ThreadRow[], prompts: Prompts): ReadonlySet<number> {
  const taken = new Set<number>();
  const starts: number[] = [];
  const keys = new Set<string>();
  for (const [index, { row }] of rows.entries()) {
    const prompt = prompts.get(row);
    const key = prompt?.kind === 'prompt' ? prompt.key : undefined;
    if (key !== undefined && !keys.has(key)) {
      keys.add(key);
      starts.push(index);
    }
    const count = Math.min(row.takesBack ?? 0, starts.length);
    if (count <= 0) continue;
    const [start = index] = starts.splice(starts.length - count);
    for (let at = start; at < index; at += 1) taken.add(at);
  }
  return taken;
}

/** Codex's rollouts as conversations. */
export const codexReader: Reader = createReader('codex', {
  rows: (place) => new CodexRows(place),
  turns: (place) => new CodexTurns(place),
  resumedTurns: (place, state) => CodexTurns.resumed(place, state),
  read: readCodexRow,
  isBookkeeping: isKnownBookkeeping,
});
