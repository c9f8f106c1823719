import type { BoardStep } from '../coordination/plan/board.js';
import { layersOf, stateOf } from '../coordination/plan/graph.js';
import { needText } from '../coordination/plan/needs.js';
import { columns } from './output.js';

/**
 * The plan, starting with the steps that can begin first: one step per line, with what it is still
 * waiting for.
 */
export function graphLines(steps: readonly BoardStep[]): string[] {
  const rows = layersOf(steps).flatMap((layer, depth) =>
    layer.map((one) => [
      `${'  '.repeat(depth)}${depth === 0 ? '' : '└ '}${one.step}`,
      stateOf(one),
      one.view?.agent ?? one.planned.assign ?? '-',
      waitsText(one),
      one.planned.title ?? '',
    ]),
  );
  return columns(rows);
}

function waitsText({ planned, unmet }: BoardStep): string {
  if (planned.needs.length === 0) return '';
  if (unmet.length === 0) return `after ${planned.needs.join(', ')}`;
  return `needs ${unmet.map(needText).join(', ')}`;
}

export function planRecord(one: BoardStep): object {
  const { step, planned, unmet, blockedBy = null, isReady } = one;
  return {
    step,
    ...planned,
    state: stateOf(one),
    ready: isReady,
    waits_for: unmet.map((need) => need.step),
    blocked_by: blockedBy,
  };
}
