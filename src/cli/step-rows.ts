import type { StepView } from '../coordination/claims/steps.js';
import { formatDuration } from './format.js';

/** A step as cells of a line: name, state, holder, since when, and the holder's last heartbeat. */
export function stepRow(view: StepView, now: Date): string[] {
  const { step, status, agent, epoch, note } = view;
  return [
    step,
    view.expired ? 'expired' : status,
    agent ?? '-',
    `epoch ${epoch}`,
    whenOf(view, now),
    note ?? '',
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
