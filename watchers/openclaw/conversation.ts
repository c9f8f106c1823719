import type { RowReader } from '../../src/conversation/fold.js';
import type { Place } from '../../src/conversation/place.js';
import { createReader, type Reader } from '../../src/conversation/reader.js';
import type { PlacedRow, Tell } from '../../src/conversation/row.js';
import { OpenClawTurns } from './conversation/outline.js';
import { type OpenClawRow, readOpenClawRow } from './conversation/rows.js';

/** The events of one session. */
class OpenClawRows implements RowReader {
  readonly #parentRowIds: ReadonlySet<string>;
  readonly #rows: { readonly row: OpenClawRow; readonly line: number }[] = [];
  #isFork = false;
  #isSubagent = false;

  constructor({ parentRowIds = new Set() }: Place) {
    this.#parentRowIds = parentRowIds;
  }

  get isSubagent(): boolean {
    return this.#isSubagent;
  }

  row(value: unknown, line: number): void {
    const row = readOpenClawRow(value);
    this.#rows.push({ row, line });
    if (row.fork !== undefined) this.#isFork = true;
    if (row.isSubagent) this.#isSubagent = true;
  }

  rows(): readonly PlacedRow[] {
    return this.#rows.map(({ row, line }) => {
      const forked: readonly Tell[] =
        row.fork === undefined ? [] : [{ kind: 'fork', from: row.fork }];
      return {
        ...row,
        tells: [...row.tells, ...forked],
        lines: [line],
        isInherited: this.#isFork && row.id !== undefined && this.#parentRowIds.has(row.id),
        isAbandoned: false,
      };
    });
  }
}

/** Rows about how a session runs rather than what is said in it. They are not searched. */
const bookkeeping: ReadonlySet<string> = new Set([
  'label',
  'message',
  'message assistant',
  'message assistant delivery-mirror',
  'message user',
  'model_change',
  'session',
  'session_info',
  'thinking_level_change',
]);

/** OpenClaw's sessions as conversations. */
export const openclawReader: Reader = createReader('openclaw', {
  rows: (place) => new OpenClawRows(place),
  turns: (place) => new OpenClawTurns(place),
  resumedTurns: (place, state) => OpenClawTurns.resumed(place, state),
  read: readOpenClawRow,
  isBookkeeping: (name) => bookkeeping.has(name) || name.startsWith('custom'),
});
