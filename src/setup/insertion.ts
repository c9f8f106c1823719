import type { IsOurs, Wanted } from '../../watchers/setup.js';

/** Text inserted into a settings file in one piece, so that removing it leaves every other byte unchanged. */
export interface Insertion {
  /** In UTF-16 units. */
  readonly offset: number;
  readonly text: string;
}

/** A kind of settings file. Problems with the content are `UsageError`s that name the line. */
export interface SettingsFormat {
  /** The plain value; `undefined` if the file is empty. */
  parse(text: string, path: string): unknown;
  /** Candidate places for the value, best first; the caller must prove the result. */
  places(text: string, path: string, wanted: Wanted): readonly Insertion[];
  /**
   * `text` without the first element or member for which `isOurs` holds, commas and lines included; `undefined` if
   * none.
   */
  without(
    text: string,
    path: string,
    wanted: readonly Wanted[],
    isOurs: IsOurs,
  ): string | undefined;
}

export function inserted(text: string, { offset, text: added }: Insertion): string {
  return text.slice(0, offset) + added + text.slice(offset);
}

/** A file's layout. */
export interface Layout {
  readonly eol: '\n' | '\r\n';
  /** One level of indentation. */
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
