import type { RowReader } from '../../src/conversation/fold.js';
import type { Place } from '../../src/conversation/place.js';
import { createReader, type Reader } from '../../src/conversation/reader.js';
import type { PlacedRow, Tell } from '../../src/conversation/row.js';
import { AgentMetaRows, AgentMetaTurns, isAgentMeta } from './conversation/agent-meta.js';
import { isKnownBookkeeping } from './conversation/bookkeeping.js';
import { abandonedPrompts, isTypedPrompt } from './conversation/branches.js';
import { Copies } from './conversation/copies.js';
import { ClaudeCodeTurns } from './conversation/outline.js';
import { agentIn, isFromElsewhere } from './conversation/place.js';
import { type ClaudeRow, readClaudeRow } from './conversation/rows.js';

/** The rows of a session's transcript, of a sub-agent's, or of its spilled results. */
class ClaudeCodeRows implements RowReader {
  readonly isSubagent: boolean;
  readonly #place: Place;
  readonly #rows: ClaudeRow[] = [];
  readonly #lines: number[] = [];
  readonly #ids = new Set<string>();
  readonly #copies = new Copies();

  constructor(place: Place) {
    this.#place = place;
    this.isSubagent = agentIn(place.stream) !== undefined;
  }

  row(value: unknown, line: number): void {
    const row = readClaudeRow(value, this);
    this.#rows.push(row);
    this.#lines.push(line);
    if (row.id !== undefined) this.#ids.add(row.id);
    this.#copies.see(row);
  }

  rows(): readonly PlacedRow[] {
    const abandoned = abandonedPrompts(this.#rows);
    let isAbandoned = false;
    return this.#rows.map((row, index) => {
      if (isTypedPrompt(row)) isAbandoned = abandoned.has(row);
      const line = this.#lines[index] ?? 0;
      const isInherited = this.#isInherited(row, index);
      const { name, atMs, id, pieces } = row;
      const tells = this.#tellsOf(row, isInherited);
      return { name, atMs, id, pieces, tells, lines: [line], isInherited, isAbandoned };
    });
  }

  #isInherited(row: ClaudeRow, index: number): boolean {
    if (isFromElsewhere(row, this.#place.session)) return true;
    return row.id !== undefined && index < this.#copies.end;
  }

  #tellsOf(row: ClaudeRow, isInherited: boolean): readonly Tell[] {
    if (row.tells.length === 0 && row.fork === undefined) return row.tells;
    const tells = row.tells.flatMap((tell) => this.#toldOf(tell, row, isInherited));
    if (row.fork !== undefined) tells.push({ kind: 'fork', from: row.fork });
    return tells;
  }

  #toldOf(tell: Tell, row: ClaudeRow, isInherited: boolean): Tell[] {
    // Most summaries are about other sessions: they are written when those are listed.
    if (row.name === 'summary' && !this.#ids.has(row.leafId ?? '')) return [];
    if (tell.kind !== 'child') return [tell];
    const session = isInherited ? row.fork?.session : this.#place.session;
    const stream = `subagents/agent-${tell.child.id}`;
    return [
      { ...tell, child: { ...tell.child, ...(session === undefined ? {} : { session }), stream } },
    ];
  }
}

/** Claude Code's mirrored streams as conversations. */
export const claudeCodeReader: Reader = createReader('claude-code', {
  hasAgentStreams: true,
  rows: (place) =>
    isAgentMeta(place.stream) ? new AgentMetaRows(place) : new ClaudeCodeRows(place),
  turns: (place) =>
    isAgentMeta(place.stream) ? new AgentMetaTurns(place) : new ClaudeCodeTurns(place),
  resumedTurns: (place, state) =>
    isAgentMeta(place.stream) ? new AgentMetaTurns(place) : ClaudeCodeTurns.resumed(place, state),
  read: (row) => readClaudeRow(row, { isSubagent: false }),
  isBookkeeping: isKnownBookkeeping,
});
