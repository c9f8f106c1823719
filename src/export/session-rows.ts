import type { Conversation, Entry, Turn } from '../conversation/conversation.js';
import { json } from '../conversation/fields.js';
import type { MetaDocument } from '../protocol/documents.js';
import { noUsage, type StreamUsage } from '../protocol/usage.js';
import { totalUsage } from '../protocol/usage-slots.js';
import { type Cell, msOf, type Row } from './tables.js';

/** What all rows of a session share. */
export interface SessionPlace {
  readonly project: string;
  readonly harness: string;
  readonly session: string;
  readonly meta: MetaDocument | undefined;
}

const marker = /\[REDACTED:[a-z0-9-]+\]/g;

export function sessionRow({ project, harness, session, meta }: SessionPlace): Row {
  const used = totalUsage(meta?.usage) ?? noUsage;
  const redactions = Object.values(meta?.redaction_counts ?? {});
  return {
    project,
    harness,
    host: meta?.host ?? null,
    agent: meta?.agent_id ?? null,
    session,
    parent: meta?.parent_session_id ?? null,
    title: meta?.title ?? null,
    cwd: meta?.cwd ?? null,
    branch: meta?.git_branch ?? null,
    model: meta?.model ?? null,
    harness_version: meta?.harness_version ?? null,
    started_at: msOf(meta?.started_at),
    last_row_at: msOf(meta?.last_row_at),
    ended_at: msOf(meta?.ended_at),
    turns: meta?.turns ?? null,
    prompts: meta?.prompts ?? null,
    lines: meta?.total_lines ?? null,
    redactions: redactions.reduce((sum, one) => sum + one, 0),
    calls: used.calls,
    input_uncached: used.input,
    cache_read: used.cacheRead,
    cache_write: used.write5m + used.write1h,
    output: used.output,
    reasoning: used.reasoning,
  };
}

/** The entries of one stream, but for those that were copied from another session. */
export function* entryRows(
  { project, harness, session, meta }: SessionPlace,
  conversation: Conversation,
  usage: StreamUsage | undefined,
): Iterable<Row> {
  const tokens = new Map(usage?.calls.map(({ key, usage: { output } }) => [key, output]));
  const parent = conversation.spawnedBy?.session ?? conversation.forkedFrom?.session;
  const shared: SharedCells = {
    project,
    harness,
    host: meta?.host ?? null,
    agent: meta?.agent_id ?? null,
    session,
    stream: conversation.stream,
    parent: parent ?? meta?.parent_session_id ?? null,
    cwd: meta?.cwd ?? null,
    branch: meta?.git_branch ?? null,
  };
  for (const turn of conversation.turns) {
    for (const entry of turn.entries) {
      if (turn.isInherited || entry.isInherited === true) continue;
      yield entryRow(shared, turn.number, entry, tokens);
    }
  }
}

/** What all entries of a stream share. */
interface SharedCells {
  readonly project: string;
  readonly harness: string;
  readonly host: Cell;
  readonly agent: Cell;
  readonly session: string;
  readonly stream: string;
  readonly parent: Cell;
  readonly cwd: Cell;
  readonly branch: Cell;
}

/** Without a spread, which takes several times as long for so many cells. */
function entryRow(
  shared: SharedCells,
  turn: number,
  entry: Entry,
  tokens: Map<string, number>,
): Row {
  const result = 'result' in entry ? entry.result : undefined;
  const said = textOf(entry);
  const returned = result?.text ?? (entry.kind === 'command' ? entry.output : undefined);
  const responseId = 'responseId' in entry ? entry.responseId : undefined;
  const output = responseId === undefined ? undefined : tokens.get(responseId);
  if (responseId !== undefined) tokens.delete(responseId);
  return {
    project: shared.project,
    harness: shared.harness,
    host: shared.host,
    agent: shared.agent,
    session: shared.session,
    stream: shared.stream,
    parent: shared.parent,
    turn,
    entry: entry.id,
    kind: entry.kind,
    role: roleOf(entry),
    at: entry.atMs ?? null,
    tool: 'tool' in entry ? (entry.tool ?? null) : null,
    text: said,
    result: returned ?? null,
    is_error: result?.isError ?? null,
    model: 'model' in entry ? (entry.model ?? null) : null,
    tokens: output ?? null,
    redactions: markersIn(said) + markersIn(returned ?? ''),
    cwd: shared.cwd,
    branch: shared.branch,
  };
}

function markersIn(text: string): number {
  return text.includes('[REDACTED:') ? (text.match(marker)?.length ?? 0) : 0;
}

function textOf(entry: Entry): string {
  switch (entry.kind) {
    case 'call':
    case 'plan':
      return json(entry.input);
    case 'command':
      return `${entry.name} ${entry.args}`.trim();
    case 'compaction':
      return entry.summary ?? '';
    case 'result':
      return '';
    case 'part':
      return entry.name;
    default:
      return entry.text;
  }
}

function roleOf({ kind }: Entry): string {
  if (kind === 'prompt' || kind === 'command') return 'user';
  if (kind === 'result') return 'tool';
  return ['answer', 'thinking', 'call', 'plan'].includes(kind) ? 'assistant' : 'system';
}

/** How many turns before a handoff are told, and how much of what was said in each. */
const mostTurns = 20;
const longestText = 4_000;

/** The turns that led up to a time, as the cells of a handoff. */
export function turnsBefore(conversation: Conversation, atMs: number): Row {
  const before = conversation.turns.filter(
    ({ isInherited, origin, startedAtMs }) =>
      !isInherited && origin !== 'none' && (startedAtMs ?? 0) <= atMs,
  );
  const last = before.slice(-mostTurns);
  return { turn: last.at(-1)?.number ?? null, turns: JSON.stringify(last.map(toldTurn)) };
}

function toldTurn({ number, startedAtMs, entries }: Turn): object {
  const said = (kind: Entry['kind']): string =>
    entries
      .filter((entry) => entry.kind === kind)
      .map(textOf)
      .join('\n')
      .slice(0, longestText);
  return {
    turn: number,
    at: startedAtMs === undefined ? null : new Date(startedAtMs).toISOString(),
    prompt: said('prompt'),
    answer: said('answer'),
    calls: entries.flatMap((entry) =>
      entry.kind === 'call' ? [`${entry.tool} ${entry.summary}`] : [],
    ),
  };
}
