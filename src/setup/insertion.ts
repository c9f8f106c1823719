/** Text that is put into a settings file in one piece, so that taking it out again leaves every other byte as it was. */
export interface Insertion {
  /** In UTF-16 units. */
  readonly offset: number;
  readonly text: string;
}

/** What a settings file is to hold: `value` as an element of the list at `path`, or as the member `name` of the object there. */
export interface Wanted {
  readonly path: readonly string[];
  /** `undefined`: an element of a list. */
  readonly name?: string;
  readonly value: SettingValue;
}

export type SettingValue =
  | string
  | number
  | boolean
  | readonly SettingValue[]
  | { readonly [name: string]: SettingValue };

/** A kind of settings file. Problems with a file's content are `UsageError`s that name the line. */
export interface SettingsFormat {
  /** The plain value; `undefined` when there is nothing in it. */
  parse(text: string, path: string): unknown;
  /** Places where the value may be put, the best first; whether the outcome is right is for the caller to prove. */
  places(text: string, path: string, wanted: Wanted): readonly Insertion[];
  /** `text` without the first element or member that `isOurs`, commas and lines included; `undefined` when there is none. */
  without(
    text: string,
    path: string,
    wanted: readonly Wanted[],
    isOurs: IsOurs,
  ): string | undefined;
}

/** Whether a plain value at a path was put there by setup. */
export type IsOurs = (path: readonly string[], name: string | undefined, value: unknown) => boolean;

export function inserted(text: string, { offset, text: added }: Insertion): string {
  return text.slice(0, offset) + added + text.slice(offset);
}

/** How a file is laid out. */
export interface Layout {
  readonly eol: '\n' | '\r\n';
  /** One step of indentation. */
  readonly step: string;
}

export function layoutOf(text: string): Layout {
  const eol = /\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n';
  const step = /(?:^|\n)([ \t]+)[^\s#/*]/.exec(text)?.[1] ?? '  ';
  return { eol, step: step.startsWith('\t') ? '\t' : step };
}

/** 1-based. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
