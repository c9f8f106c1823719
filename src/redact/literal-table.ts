import { offsetsOf } from './literals.js';
import { createGroup, watchGroups } from './watch-groups.js';

/** The literals of a group, in the order of what watches them, separated by NUL. */
export interface GroupLiterals {
  readonly exact: string;
  /** Where the index looks for each of them. */
  readonly exactOffsets: string;
  /** In these, ASCII letters match in either case. */
  readonly folded: string;
  readonly foldedOffsets: string;
}

/**
 * The build replaces this list with its value (scripts/literal-table.mjs), so that a command that
 * redacts one sentence creates no group.
 */
export const literalTable: readonly GroupLiterals[] = watchGroups.map((group) => {
  const watched = createGroup(group, new Set());
  const textsOf = (isFolded: boolean): readonly string[] =>
    watched.filter(({ fold = false }) => fold === isFolded).map(({ literal }) => literal);
  const exact = textsOf(false);
  const folded = textsOf(true);
  return {
    exact: exact.join('\0'),
    exactOffsets: offsetsOf(exact),
    folded: folded.join('\0'),
    foldedOffsets: offsetsOf(folded),
  };
});
