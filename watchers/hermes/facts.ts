import * as v from 'valibot';
import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact } from '../fact-text.js';
import { parseLine } from './rows.js';

const text = v.fallback(v.optional(v.string()), undefined);
const seconds = v.fallback(v.optional(v.number()), undefined);
const origins = v.object({ _delegate_from: text, _branched_from: text, _reset_from: text });
const schema = v.object({
  cwd: text,
  model: text,
  git_branch: text,
  parent_session_id: text,
  started_at: seconds,
  ended_at: seconds,
  model_config: v.fallback(v.optional(origins), undefined),
});
type SessionRow = v.InferOutput<typeof schema>;

const longestRow = 64 * 1024;

/**
 * What a state of a session's row says. The last one counts for everything, even where it takes something back (a
 * reopened session has not ended), except for the folder the session was started in.
 */
export function foldHermesLine(line: Buffer, before: SessionFacts): SessionFacts {
  if (line.length > longestRow) return before;
  const parsed = parseLine(line);
  if (parsed?.of !== 'session' || parsed.operation === 'delete') return before;
  const row = rowIn(line);
  return row === undefined ? before : factsOf(row, before);
}

const plainSchema = v.object({
  role: text,
  model: text,
  cwd: text,
  timestamp: text,
  session_start: text,
});

/** What a row of a session's file says: it has no table around it. */
export function foldPlainRow(line: Buffer, before: SessionFacts): SessionFacts {
  if (line.length > longestRow) return before;
  const row = plainRowIn(line);
  if (row === undefined) return before;
  const told = Date.parse(row.session_start ?? row.timestamp ?? '');
  const startedAt = Number.isNaN(told) ? undefined : new Date(told).toISOString();
  const news = {
    ...before,
    ...(before.model === undefined && row.model !== undefined ? { model: row.model } : {}),
    ...(before.cwd === undefined && row.cwd !== undefined ? { cwd: row.cwd } : {}),
    ...(before.startedAt === undefined && startedAt !== undefined ? { startedAt } : {}),
  };
  return isSame(news, before) ? before : news;
}

function plainRowIn(line: Buffer): v.InferOutput<typeof plainSchema> | undefined {
  try {
    const result = v.safeParse(plainSchema, JSON.parse(line.toString('utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

function rowIn(line: Buffer): SessionRow | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(line.toString('utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

function factsOf(row: SessionRow, before: SessionFacts): SessionFacts {
  const { harnessVersion } = before;
  const told: Record<string, string | undefined> = {
    cwd: before.cwd ?? exactFact(row.cwd),
    model: exactFact(row.model),
    gitBranch: exactFact(row.git_branch),
    harnessVersion,
    parentSessionId: parentOf(row),
    startedAt: timeOf(row.started_at),
    endedAt: timeOf(row.ended_at),
  };
  const facts: SessionFacts = Object.fromEntries(
    Object.entries(told).filter(([, fact]) => fact !== undefined),
  );
  return isSame(facts, before) ? before : facts;
}

function parentOf({ parent_session_id: parent, model_config: config }: SessionRow) {
  const origin = config?._delegate_from ?? config?._branched_from ?? config?._reset_from;
  return exactFact(parent) ?? exactFact(origin);
}

function timeOf(epochSeconds: number | undefined): string | undefined {
  if (epochSeconds === undefined) return undefined;
  const time = new Date(epochSeconds * 1000);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

function isSame(left: SessionFacts, right: SessionFacts): boolean {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => Reflect.get(left, name) === Reflect.get(right, name));
}
