/**
 * How a value is tied to its name: `NAME=value`, `name: value`, `name == value`, `--name value`,
 * `the name is value`, and a value that merely follows: below `name:`, in a table.
 */
export type Tie = 'assigned' | 'spaced' | 'compared' | 'flag' | 'stated' | 'below' | 'placed';

/** The text between a name and its value. */
export interface Gap {
  readonly valueAt: number;
  readonly tie: Tie;
}
