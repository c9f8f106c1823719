import type { BoardStep } from '../coordination/plan/board.js';
import { layersOf, stateOf } from '../coordination/plan/graph.js';
import { needText } from '../coordination/plan/needs.js';
import { columns } from './output.js';
import { type Column, rowLines } from './table.js';

function layoutFor(width: number): readonly Omit<Column, 'heading'>[] {
  return [
    { isName: true, ...(width < 50 ? {} : { widest: Math.floor(width * 0.4) }) },
    { widest: width < 50 ? 11 : 24 },
    { isName: true, widest: 16, fromWidth: 70 },
    { isName: true, widest: 40, fromWidth: 110 },
    { isElastic: true, fromWidth: 90 },
  ];
}

/**
 * The plan, starting with the steps that can begin first: one step per line, with what it is still
 * waiting for.
 */
export function graphLines(steps: readonly BoardStep[], width: number): string[] {
  const rows = layersOf(steps).flatMap((layer, depth) =>
    layer.map((one) => [
      `${'  '.repeat(depth)}${depth === 0 ? '' : '└ '}${one.step}`,
      stateOf(one),
      one.view?.agent ?? one.planned.assign ?? '-',
      waitsText(one),
      one.planned.title ?? '',
    ]),
  );
  return Number.isFinite(width) ? rowLines(layoutFor(width), rows, width) : columns(rows);
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
