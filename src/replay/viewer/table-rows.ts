import type { PageHeader } from '../page/data.js';
import type { Entries } from './entries.js';

/** A row of the table: an entry, or a session. */
export type TableRow = { readonly entry: number } | { readonly session: number };

/** Entries and sessions, by time. */
export function rowsByTime(
  entries: Entries,
  indices: readonly number[],
  { sessions, streams }: PageHeader,
  shownSessions: readonly number[],
): readonly TableRow[] {
  const beginning = (session: number): number =>
    streams[sessions[session]?.streams[0] ?? -1]?.sampleMs[0] ?? 0;
  const begun = shownSessions
    .map((session) => ({ session, ms: beginning(session) }))
    .sort((left, right) => left.ms - right.ms);
  const rows: TableRow[] = [];
  let at = 0;
  for (const entry of indices) {
    const ms = entries.timeMs(entry);
    for (let next = begun[at]; next !== undefined && next.ms <= ms; next = begun[at]) {
      rows.push({ session: next.session });
      at += 1;
    }
    rows.push({ entry });
  }
  return [...rows, ...begun.slice(at).map(({ session }) => ({ session }))];
}
