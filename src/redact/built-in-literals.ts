import type { LiteralList } from './literal-search.js';
import { literalTable } from './literal-table.js';

/** The literals of all groups, in order. */
export const builtInLiterals: LiteralList[] = [];
/** Where each group ends among the literals. */
export const groupEnds: number[] = [];
let count = 0;
for (const { exact, folded } of literalTable) {
  addList(exact, false);
  addList(folded, true);
  groupEnds.push(count);
}

function addList(texts: string, fold: boolean): void {
  if (texts === '') return;
  const list = texts.split('\0');
  builtInLiterals.push({ texts: list, fold });
  count += list.length;
}

export const builtInCount = count;
