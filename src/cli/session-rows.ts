import { basename } from 'node:path';
import { isAgentStream } from '../conversation/join.js';
import { activeAt, type ListedSession } from '../mirror/slots/session-listing.js';
import { countsText } from '../redact/counts.js';
import { shortIds } from '../sessions/reference.js';
import { formatAge, formatBytes, formatCount } from './format.js';
import { type Column, tableLines } from './table.js';

export interface SessionTable {
  readonly sessions: readonly ListedSession[];
  /** The ids of all existing sessions, so that a shortened id is unambiguous. */
  readonly ids: readonly string[];
  readonly home: string;
  readonly nowMs: number;
  readonly width: number;
  readonly isLong: boolean;
  readonly isUtc: boolean;
  /** How each can be resumed from here, by `harness/id`; only in the long table. */
  readonly resumable?: ReadonlyMap<string, string> | undefined;
}

const columns: readonly Column[] = [
  { heading: 'AGE' },
  { heading: 'HARNESS', fromWidth: 50 },
  { heading: 'FOLDER', widest: 16, fromWidth: 70 },
  { heading: 'TITLE', isElastic: true },
  { heading: 'ID', isName: true },
];
const longColumns: readonly Column[] = [
  ...columns,
  ...[
    'LAST',
    'LINES',
    'SIZE',
    'TURNS',
    'REDACTED',
    'MODEL',
    'HOST',
    'AGENT',
    'BRANCH',
    'RESUME',
  ].map((heading): Column => ({ heading })),
];

/** The sessions as a table that fits the terminal. */
export function sessionTable(table: SessionTable): string[] {
  const short = shortIds(
    table.ids,
    table.sessions.map(({ id }) => id),
  );
  const rows = table.sessions.map((session) => {
    const brief = [
      ageOf(session, table.nowMs),
      session.harness,
      folderOf(session, table.home),
      titleOf(session),
      short.get(session.id) ?? session.id,
    ];
    if (!table.isLong) return brief;
    const resume = table.resumable?.get(`${session.harness}/${session.id}`) ?? '-';
    return [...brief, ...longCells(session, table.isUtc), resume];
  });
  // Users who ask for everything have a wide terminal, or scroll.
  const width = table.isLong ? Number.POSITIVE_INFINITY : table.width;
  return tableLines(table.isLong ? longColumns : columns, rows, width);
}

/** The limit where nothing else applies. */
const longestTitle = 120;
const minuteMs = 60_000;

function ageOf(session: ListedSession, nowMs: number): string {
  const at = Date.parse(activeAt(session));
  return Number.isNaN(at) ? '-' : formatAge(nowMs - at);
}

function folderOf({ meta }: ListedSession, home: string): string {
  const cwd = meta?.cwd ?? '';
  if (cwd === '') return '-';
  return cwd === home ? '~' : basename(cwd.replaceAll('\\', '/')) || cwd;
}

/** Sub-agents are counted on the row of the session that started them. */
function titleOf({ meta }: ListedSession): string {
  if (meta === undefined) return '(no meta.json yet)';
  const agents = meta.streams.filter(({ name }) => isAgentStream(name)).length;
  const title = (meta.title ?? '').slice(0, longestTitle);
  return `${title === '' ? `(${meta.cwd ?? 'no prompt'})` : title}${agents === 0 ? '' : ` +${agents}`}`;
}

function longCells(session: ListedSession, isUtc: boolean): readonly string[] {
  const { meta } = session;
  if (meta === undefined) return Array.from({ length: 9 }, () => '-');
  return [
    timeText(activeAt(session), isUtc),
    formatCount(meta.total_lines),
    formatBytes(meta.total_uploaded_bytes),
    formatCount(meta.turns),
    countsText(meta.redaction_counts),
    meta.model ?? '-',
    meta.host ?? '-',
    meta.agent_id ?? '-',
    meta.git_branch ?? '-',
  ];
}

/** In this machine's time zone, to the minute. */
function timeText(iso: string, isUtc: boolean): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '-';
  const shift = isUtc ? 0 : date.getTimezoneOffset() * minuteMs;
  return new Date(date.getTime() - shift).toISOString().slice(0, 16).replace('T', ' ');
}
