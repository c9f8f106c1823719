import type { Overlap } from '../coordination/plan/overlap.js';

/** Advice only: nothing keeps two agents from changing one file. */
export function overlapLines(overlaps: readonly Overlap[]): string[] {
  return overlaps.map(({ view, paths }) => {
    const holder = view.agent ?? 'somebody';
    return `step ${view.step}, claimed by ${holder}, changes files there too: ${paths}`;
  });
}
