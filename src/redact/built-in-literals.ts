import { literalTable } from './literal-table.js';
import type { LiteralList } from './literals.js';

/** The literals of all groups, in order. */
export const builtInLiterals: LiteralList[] = [];
/** Where each group ends among the literals. */
export const groupEnds: number[] = [];
let count = 0;
for (const { exact, exactOffsets, folded, foldedOffsets } of literalTable) {
  addList(exact, exactOffsets, false);
  addList(folded, foldedOffsets, true);
  groupEnds.push(count);
}

function addList(texts: string, offsets: string, fold: boolean): void {
  if (texts === '') return;
  const list = texts.split('\0');
  builtInLiterals.push({ texts: list, fold, offsets });
  count += list.length;
}

export const builtInCount = count;
