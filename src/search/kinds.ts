import { UsageError } from '../errors.js';

/** What agents told each other, apart from their transcripts. */
export const documentKinds = ['mail', 'memory', 'handoff', 'event'] as const;
export type DocumentKind = (typeof documentKinds)[number];
export const searchKinds = ['session', ...documentKinds] as const;
export type SearchKind = (typeof searchKinds)[number];

/** Without events, which repeat what the other documents say. */
const usualKinds: readonly SearchKind[] = ['session', 'mail', 'memory', 'handoff'];
/** What only sessions have. */
export const sessionFilters = ['harness', 'host', 'cwd', 'role', 'tool'] as const;

type SessionFilters = { readonly [Name in (typeof sessionFilters)[number]]?: unknown };

/** A filter that only sessions have leaves out everything else. */
export function kindsFor(
  filters: SessionFilters,
  asked: readonly SearchKind[] | undefined,
): ReadonlySet<SearchKind> {
  const filter = sessionFilters.find((name) => filters[name] !== undefined);
  if (filter === undefined) return new Set(asked ?? usualKinds);
  const other = asked?.find((kind) => kind !== 'session');
  if (other !== undefined) {
    throw new UsageError(`--${filter} is about sessions, not about --kind ${other}`);
  }
  return new Set(['session']);
}
