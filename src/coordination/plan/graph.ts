import type { BoardStep } from './board.js';

/** Steps by how many others must come before them: those without needs come first. */
export function layersOf(steps: readonly BoardStep[]): readonly (readonly BoardStep[])[] {
  const depths = new Map<string, number>();
  const byId = new Map(steps.map((one) => [one.step, one]));
  const depthOf = (step: string, above: ReadonlySet<string>): number => {
    const known = depths.get(step);
    if (known !== undefined || above.has(step)) return known ?? 0;
    const needs = byId.get(step)?.planned.needs ?? [];
    const below = new Set([...above, step]);
    const depth = needs.reduce((most, need) => Math.max(most, depthOf(need, below) + 1), 0);
    depths.set(step, depth);
    return depth;
  };
  const layers: BoardStep[][] = [];
  for (const one of steps) {
    const depth = depthOf(one.step, new Set());
    layers[depth] = [...(layers[depth] ?? []), one];
  }
  return layers.map((layer) => layer ?? []);
}

/** The state of a planned step in one word. */
export function stateOf({ view, isReady, blockedBy, unmet, unreadable }: BoardStep): string {
  if (unreadable !== undefined) return 'unreadable';
  if (isReady) return 'ready';
  if (unmet.length > 0 && (view === undefined || view.status === 'pending')) {
    return blockedBy === undefined ? 'waits' : `waits for blocked ${blockedBy}`;
  }
  return view?.expired ? 'expired' : (view?.status ?? 'pending').replace('_', ' ');
}

/**
 * A Mermaid flowchart: https://mermaid.js.org/syntax/flowchart.html. Ids are step names, all of
 * whose characters are safe.
 */
export function mermaidOf(steps: readonly BoardStep[]): string {
  const node = new Map(steps.map(({ step }, index) => [step, `s${index}`]));
  const lines = steps.map((one) => {
    const title = one.planned.title ?? '';
    const label = [one.step, title, stateOf(one)].filter((part) => part !== '').join(' · ');
    return `  ${node.get(one.step)}["${escapeLabel(label)}"]`;
  });
  const edges = steps.flatMap(({ step, planned }) =>
    planned.needs.flatMap((need) =>
      node.has(need) ? [`  ${node.get(need)} --> ${node.get(step)}`] : [],
    ),
  );
  return ['flowchart LR', ...lines, ...edges].join('\n');
}

/** Mermaid reads entity codes inside quotes, so every special character becomes one. */
function escapeLabel(text: string): string {
  return [...text]
    .map((one) => (/[\p{L}\p{N} .,:·_-]/u.test(one) ? one : `#${one.codePointAt(0)};`))
    .join('');
}
