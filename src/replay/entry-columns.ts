import type { Call } from './causes.js';
import type { TimelineEntry } from './entry.js';
import type { EntryColumns } from './page-data.js';

/** The entries as a page carries them, and all agents that have a lane: those of the entries in order of appearance, then others. */
export function columnsOf(
  entries: readonly TimelineEntry[],
  causes: ReadonlyMap<number, Call>,
  others: readonly (string | null)[],
): { readonly columns: EntryColumns; readonly agents: readonly string[] } {
  const names = new Map<string, number>();
  const nameOf = (name: string | null): number => {
    if (name === null) return -1;
    const known = names.get(name) ?? names.size;
    names.set(name, known);
    return known;
  };
  const columns = {
    timeMs: entries.map(({ timeNs }) => Number(timeNs / 1000n) / 1000),
    type: entries.map(({ type }) => nameOf(type)),
    agent: entries.map(({ agent }) => nameOf(agent)),
    step: entries.map(({ step }) => nameOf(step)),
    to: entries.map(({ to }) => nameOf(to)),
    epoch: entries.map(({ epoch }) => epoch),
    text: entries.map(({ text }) => text),
    derived: entries.flatMap(({ isDerived }, index) => (isDerived ? [index] : [])),
    causes: [...causes].map(([index, { stream, line }]) => [index, stream, line] as const),
    names: [...names.keys()],
  };
  const acting = entries.map(({ agent }) => agent);
  const receiving = entries.filter(({ type }) => type === 'message.sent').map(({ to }) => to);
  const all = [...acting, ...others, ...receiving].filter((agent) => agent !== null);
  return { columns, agents: [...new Set(all)] };
}
