import type { StepView } from '../coordination/claims/steps.js';
import { formatDuration, onOneLine } from './format.js';
import { columns } from './output.js';
import { type Column, rowLines } from './table.js';

function layoutFor(width: number): readonly Omit<Column, 'heading'>[] {
  return [
    { isName: true, ...(width < 50 ? {} : { widest: Math.floor(width * 0.4) }) },
    {},
    { isName: true, widest: width < 110 ? 16 : 24, fromWidth: 50 },
    { fromWidth: 130 },
    { fromWidth: 130 },
    { fromWidth: 100, belowWidth: 130 },
    { isElastic: true, fromWidth: 78 },
  ];
}

/** Steps as lines that fit the terminal; in full elsewhere. */
export function stepLines(views: readonly StepView[], now: Date, width: number): string[] {
  const rows = views.map((view) => stepRow(view, now));
  if (!Number.isFinite(width)) return columns(rows);
  const cells = rows.map((row, index) => {
    const [note = '', ...before] = [...row].reverse();
    return [...before.reverse(), sinceOf(views[index], now), note];
  });
  return rowLines(layoutFor(width), cells, width);
}

function sinceOf(view: StepView | undefined, now: Date): string {
  const since = ageOf(view?.completed_at ?? view?.claimed_at ?? null, now);
  return since === undefined ? '' : `${since} ago`;
}

/** A step as cells of a line: name, state, holder, since when, and the holder's last heartbeat. */
export function stepRow(view: StepView, now: Date): string[] {
  const { step, status, agent, epoch, note } = view;
  return [
    step,
    view.expired ? 'expired' : status,
    agent ?? '-',
    `epoch ${epoch}`,
    whenOf(view, now),
    onOneLine(note ?? ''),
  ];
}

function whenOf(view: StepView, now: Date): string {
  const { status, claimed_at, completed_at, last_sign_of_life, ttl_s } = view;
  const ended = ageOf(completed_at, now);
  if (ended !== undefined) return `${ended} ago`;
  const claimed = ageOf(claimed_at, now);
  if (status !== 'in_progress') return claimed === undefined ? '' : `${claimed} ago`;
  const sign = ageOf(last_sign_of_life, now);
  const limit = ttl_s === null ? 'no TTL' : `TTL ${formatDuration(ttl_s * 1000)}`;
  const parts = [
    claimed === undefined ? undefined : `claimed ${claimed} ago`,
    sign === undefined ? undefined : `last heartbeat ${sign} ago`,
    limit,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

/** `undefined` for an invalid time. */
export function ageOf(at: string | null, now: Date): string | undefined {
  const ms = now.getTime() - Date.parse(at ?? '');
  return Number.isNaN(ms) ? undefined : formatDuration(Math.max(0, ms));
}
