import type { AgentView, MailboxView, Overview, SessionView } from '../app/overview.js';
import type { StepView } from '../coordination/claims/steps.js';
import { formatBytes, plural } from './format.js';
import { columns } from './output.js';
import { ageOf, stepLines } from './step-rows.js';
import { type Column, rowLines, wrapped } from './table.js';
import { tokens } from './usage-lines.js';
import { watchViewLines } from './watch-view-lines.js';

/** What `status` shows, part by part. An empty part is one line that says what would fill it. */
export function overviewLines(overview: Overview, width: number): string[] {
  const now = new Date(overview.at);
  const { agents, steps, mailboxes, sessions, session_count } = overview;
  const waiting = mailboxes.filter(({ unread }) => unread.direct + unread.broadcast > 0);
  const more = session_count - sessions.length;
  return [
    ...headLines(overview, width),
    ...section(
      'Agents',
      agents.map((agent) => agentRow(agent, heldBy(agent.id, steps), now)),
      'none yet',
      { layout: agentLayout, width },
    ),
    ...part('Steps', indented(stepLines(steps, now, width - 2)), 'none yet: tracecraft claim STEP'),
    ...section('Unread mail', waiting.map(mailboxRow), 'none', { layout: mailLayout, width }),
    ...section(
      'Sessions',
      sessions.map((session) => sessionRow(session, now)),
      'none yet: tracecraft watch',
      { layout: sessionLayout, width },
    ),
    ...(more > 0 ? [`  ${plural(more, 'older session')}: tracecraft session list`] : []),
    ...watchViewLines(overview.watch),
  ].flatMap((line) => (Number.isFinite(width) ? wrapped(line, width, '    ') : [line]));
}

type Layout = readonly Omit<Column, 'heading'>[];

const headLayout: Layout = [{}, { isElastic: true }, { fromWidth: 120 }];
const agentLayout: Layout = [
  { isName: true, widest: 24 },
  {},
  { isName: true, widest: 28, fromWidth: 50 },
  { fromWidth: 70 },
  { isElastic: true, fromWidth: 90 },
];
const mailLayout: Layout = [{ isName: true, widest: 24 }, { isElastic: true }];
const sessionLayout: Layout = [
  { isName: true },
  { fromWidth: 60 },
  { fromWidth: 110 },
  { fromWidth: 90 },
  { fromWidth: 110 },
  { isElastic: true },
];

function headLines({ bucket, project, agent, source }: Overview, width: number): string[] {
  const rows = [
    ['Bucket', bucket, `(${source.destination})`],
    ['Project', project, ''],
    ['Agent', agent ?? 'nobody: set TRACECRAFT_AGENT', agent === null ? '' : `(${source.agent})`],
  ];
  return Number.isFinite(width) ? rowLines(headLayout, rows, width) : columns(rows);
}

function section(
  title: string,
  rows: readonly string[][],
  empty: string,
  { layout, width }: { readonly layout: Layout; readonly width: number },
): string[] {
  const lines = Number.isFinite(width) ? rowLines(layout, rows, width - 2) : columns(rows);
  return part(title, indented(lines), empty);
}

function part(title: string, lines: readonly string[], empty: string): string[] {
  return lines.length === 0 ? ['', `${title}: ${empty}`] : ['', title, ...lines];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
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
