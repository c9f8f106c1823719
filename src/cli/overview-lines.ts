import type { AgentView, MailboxView, Overview, SessionView } from '../app/overview.js';
import type { StepView } from '../coordination/claims/steps.js';
import { formatBytes, plural } from './format.js';
import { columns } from './output.js';
import { ageOf, stepRow } from './step-rows.js';
import { tokens } from './usage-lines.js';
import { watchViewLines } from './watch-view-lines.js';

/** What `status` shows, part by part. An empty part is one line that says what would fill it. */
export function overviewLines(overview: Overview): string[] {
  const now = new Date(overview.at);
  const { agents, steps, mailboxes, sessions, session_count } = overview;
  const waiting = mailboxes.filter(({ unread }) => unread.direct + unread.broadcast > 0);
  const more = session_count - sessions.length;
  return [
    ...headLines(overview),
    ...section(
      'Agents',
      agents.map((agent) => agentRow(agent, heldBy(agent.id, steps), now)),
      'none yet',
    ),
    ...section(
      'Steps',
      steps.map((step) => stepRow(step, now)),
      'none yet: tracecraft claim STEP',
    ),
    ...section('Unread mail', waiting.map(mailboxRow), 'none'),
    ...section(
      'Sessions',
      sessions.map((session) => sessionRow(session, now)),
      'none yet: tracecraft watch',
    ),
    ...(more > 0 ? [`  ${plural(more, 'older session')}: tracecraft session list`] : []),
    ...watchViewLines(overview.watch),
  ];
}

function headLines({ bucket, project, agent, source }: Overview): string[] {
  return columns([
    ['Bucket', bucket, `(${source.destination})`],
    ['Project', project, ''],
    ['Agent', agent ?? 'nobody: set TRACECRAFT_AGENT', agent === null ? '' : `(${source.agent})`],
  ]);
}

function section(title: string, rows: readonly string[][], empty: string): string[] {
  if (rows.length === 0) return ['', `${title}: ${empty}`];
  return ['', title, ...columns(rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]))];
}

/** Decided by the claims: an agent's own document may still name a step it has lost. */
function heldBy(id: string, steps: readonly StepView[]): readonly string[] {
  return steps
    .filter(({ agent, status }) => agent === id && status === 'in_progress')
    .map(({ step }) => step);
}

function agentRow(
  { id, status, modified_at, summary }: AgentView,
  held: readonly string[],
  now: Date,
): string[] {
  const many = held.length === 1 ? 'step' : 'steps';
  return [
    id,
    status,
    held.length === 0 ? '-' : `${many} ${held.join(', ')}`,
    `last heartbeat ${ageOf(modified_at, now) ?? '?'} ago`,
    summary ?? '',
  ];
}

function sessionRow(session: SessionView, now: Date): string[] {
  const { harness, short_id, total_lines, last_uploaded_at, ended_at, title } = session;
  const used = session.tokens;
  const uploaded = ageOf(last_uploaded_at, now);
  return [
    `${harness}/${short_id}`,
    total_lines === null ? '-' : plural(total_lines, 'line'),
    used === null ? '-' : `${tokens(used)} tokens`,
    uploaded === undefined ? '-' : `uploaded ${uploaded} ago`,
    ended_at === null ? lagText(session) : 'ended',
    title ?? '',
  ];
}

function lagText({ behind_bytes }: SessionView): string {
  if (behind_bytes === null) return '-';
  return behind_bytes === 0 ? 'all sent' : `${formatBytes(behind_bytes)} behind`;
}

function mailboxRow({ agent, unread }: MailboxView): string[] {
  const { direct, broadcast } = unread;
  const parts = [
    direct === 0 ? undefined : plural(direct, 'message'),
    broadcast === 0 ? undefined : plural(broadcast, 'broadcast'),
  ];
  return [agent, parts.filter((part) => part !== undefined).join(', ')];
}
