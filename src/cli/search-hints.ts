import { sessionFilters } from '../search/kinds.js';

const filters = [...sessionFilters, 'agent', 'since', 'until', 'kind'] as const;

export type GivenFlags = { readonly [Name in (typeof filters)[number]]?: unknown } & {
  readonly any?: boolean;
  readonly whole?: boolean;
  readonly substring?: boolean;
  readonly regex?: boolean;
  readonly subagents: boolean;
};

/** What might find more. */
export function hintsFor(flags: GivenFlags, words: readonly string[]): readonly string[] {
  const terms = words.filter((word) => word.trim() !== '');
  const hasPhrase = flags.regex !== true && terms.some((word) => /\s/.test(word.trim()));
  const given: string[] = filters.filter((name) => flags[name] !== undefined);
  if (!flags.subagents) given.push('no-subagents');
  const hints: string[] = [];
  if (hasPhrase) hints.push('Words without quotes may be anywhere in a row.');
  if (terms.length > 1 && flags.any !== true && flags.regex !== true) {
    hints.push('With --any one of the words is enough.');
  }
  if (flags.whole === true) hints.push('Without --whole longer words match, too.');
  else if (flags.regex !== true && flags.substring !== true) {
    hints.push('--substring looks inside of words, too.');
  }
  if (given.length > 0) {
    hints.push(`More is searched without ${given.map((name) => `--${name}`).join(', ')}.`);
  }
  const isAll = flags.kind === undefined && sessionFilters.every((name) => !given.includes(name));
  if (isAll) hints.push('Events are searched with --kind event only.');
  return hints;
}
