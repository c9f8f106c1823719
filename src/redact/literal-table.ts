import { createGroup, watchGroups } from './watch-groups.js';

/** The literals of a group, in the order of what watches them, separated by NUL. */
export interface GroupLiterals {
  readonly exact: string;
  /** In these, ASCII letters match in either case. */
  readonly folded: string;
}

/**
 * The build replaces this list with its value (scripts/literal-table.mjs), so that a command that
 * redacts one sentence creates no group.
 */
export const literalTable: readonly GroupLiterals[] = watchGroups.map((group) => {
  const watched = createGroup(group, new Set());
  const textsOf = (isFolded: boolean): string =>
    watched
      .filter(({ fold = false }) => fold === isFolded)
      .map(({ literal }) => literal)
      .join('\0');
  return { exact: textsOf(false), folded: textsOf(true) };
});
