import { groupEnds } from './built-in-literals.js';
import { createGroup, type Watched, watchGroups } from './watch-groups.js';

/** What watches the literals from `first` on. */
export interface LoadedGroup {
  readonly first: number;
  readonly watched: readonly Watched[];
}

/** Creates what watches a group of literals when one of them occurs; most never do. */
export class BuiltInWatch {
  readonly #disabled: ReadonlySet<string>;
  readonly #loaded: (readonly Watched[] | undefined)[] = [];

  constructor(disabled: ReadonlySet<string>) {
    this.#disabled = disabled;
  }

  /** The group of the literal with this number, counted through `builtInLiterals`. */
  groupOf(literal: number): LoadedGroup {
    const index = groupEnds.findIndex((end) => literal < end);
    const group = watchGroups[index];
    const watched =
      this.#loaded[index] ?? (group === undefined ? [] : createGroup(group, this.#disabled));
    this.#loaded[index] = watched;
    return { first: groupEnds[index - 1] ?? 0, watched };
  }
}

const shared = new Map<string, BuiltInWatch>();

/** Shared by all redactors with the same kinds disabled: a process may create many. */
export function builtInWatch(disabled: ReadonlySet<string>): BuiltInWatch {
  const key = [...disabled].sort().join();
  const watch = shared.get(key) ?? new BuiltInWatch(disabled);
  shared.set(key, watch);
  return watch;
}
