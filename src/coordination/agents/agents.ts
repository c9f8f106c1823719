import { join } from 'node:path';
import type { ObjectEntry } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import { type LivingAgentDocument, livingAgentSchema } from '../../protocol/coordination.js';
import { type AgentDocument, DocumentError, parseDocument } from '../../protocol/documents.js';
import { checkName, encodeId, isName } from '../../protocol/names.js';
import { getListed } from '../claims/document.js';
import type { CoordinationContext } from '../context.js';
import { writeEvent } from '../events.js';
import { changeAgent } from './document.js';
import { type Dated, maxTtlMs, sessionKey } from './liveness.js';
import { newAgent } from './registration.js';

export interface Beat {
  /** `null`: outside of any session. */
  readonly sessionId: string | null;
  readonly harness?: string;
  readonly status: AgentDocument['status'];
  /** What the agent works at, `null` for nothing; left out: as before. */
  readonly step?: string | null;
  readonly summary?: string;
}

/** Milliseconds from one heartbeat of an agent to its next. */
const heartbeatEveryMs = 60_000;
const heartbeats = 'heartbeats';
const maxSessions = 32;

/** A sign of life of one session of an agent; registers an agent that nobody knows. Times are the store's. */
export async function beat(
  context: CoordinationContext,
  { sessionId, harness, status, step, summary }: Beat,
): Promise<{ readonly heartbeat: string }> {
  const { bucket, layout, agent, host } = context;
  const now = await bucket.now();
  const heartbeat = now.toISOString();
  const said = {
    status,
    heartbeat,
    host,
    session_id: sessionId,
    ...(harness === undefined ? {} : { harness }),
    ...(step === undefined ? {} : { step }),
    ...(summary === undefined ? {} : { summary }),
  };
  const place = { bucket, layout, agent, capabilities: bucket.capabilities };
  const { isNew } = await changeAgent(place, (known) => ({
    ...(known === undefined ? newAgent(agent, host, heartbeat) : {}),
    ...said,
    sessions: sessionsAfter(known?.sessions ?? {}, sessionId, now),
  }));
  if (isNew) {
    context.onRegistered?.();
    const data = { ref: { key: layout.agent(agent), id: agent } };
    await writeEvent(context, { type: 'agent.registered', data });
  }
  return { heartbeat };
}

/** Those that may still hold a claim, the newest first. */
export function sessionsAfter(
  before: Readonly<Record<string, string>>,
  sessionId: string | null,
  now: Date,
): Record<string, string> {
  const mine = sessionKey(sessionId);
  const others = Object.entries(before)
    .filter(([id, at]) => id !== mine && now.getTime() - Date.parse(at) < maxTtlMs)
    .sort(([, left], [, right]) => Date.parse(right) - Date.parse(left))
    .slice(0, maxSessions - 1);
  return Object.fromEntries([[mine, now.toISOString()], ...others]);
}

/** The last heartbeat that was sent from here, by this machine's clock, and how often one is needed. */
export interface LastBeat {
  readonly atMs: number;
  readonly everyMs: number;
}

/** Whether a heartbeat is due, by this machine's clock, which may have been set back since the last. */
function heartbeatDue(last: LastBeat | undefined, nowMs: number): boolean {
  return last === undefined || last.atMs > nowMs || nowMs - last.atMs >= last.everyMs;
}

/** Three within the TTL of a claim, so that one may be late; not more than one each minute. */
function beatEveryMs(ttlMs: number | null): number {
  return ttlMs === null ? heartbeatEveryMs : Math.min(heartbeatEveryMs, Math.trunc(ttlMs / 3));
}

/** Where this machine remembers when it last sent a heartbeat, so that asking costs no request. */
export interface HeartbeatRecord {
  readonly io: Io;
  /** This machine's for the destination. */
  readonly folder: string;
}

export interface HeartbeatNews {
  /** What the agent works at now, `null` for nothing; left out: as before. */
  readonly step?: string | null;
  /** Milliseconds: of the claim that it has just made, `null` for one that never expires. */
  readonly ttlMs?: number | null;
}

/**
 * What every command that an agent runs does beside its own requests. With a `step`, at once: what an agent works at is news.
 * Never fails: the answer is what went wrong, if anything did.
 */
export async function refreshHeartbeat(
  context: CoordinationContext,
  record: HeartbeatRecord,
  news: HeartbeatNews = {},
): Promise<Error | undefined> {
  const { sessionId = null, clock } = context;
  const io = ownDisk(record);
  const path = recordPath(context, record.folder);
  try {
    const last = await lastBeat(io, path);
    const { step, ttlMs } = news;
    if (step === undefined && !heartbeatDue(last, clock.now())) return;
    await beat(context, { sessionId, status: 'active', ...(step === undefined ? {} : { step }) });
    const everyMs = step === null ? heartbeatEveryMs : everyAfter(last, ttlMs);
    await io.replaceFile(path, `${clock.now()} ${everyMs}`).catch(() => undefined);
    return;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function placeName(sessionId: string | null): string {
  return sessionId === null ? '_' : encodeId(sessionId);
}

/** The shortest TTL of what was claimed from here counts until something is ended. */
function everyAfter(last: LastBeat | undefined, ttlMs: number | null | undefined): number {
  const before = last?.everyMs ?? heartbeatEveryMs;
  return ttlMs === undefined ? before : Math.min(before, beatEveryMs(ttlMs));
}

/**
 * As `refreshHeartbeat`, for commands that only read: for an agent that has given a sign of life from here before. To read
 * registers nobody.
 */
export async function keepHeartbeat(
  context: CoordinationContext,
  record: HeartbeatRecord,
): Promise<Error | undefined> {
  const path = recordPath(context, record.folder);
  const last = await lastBeat(ownDisk(record), path).catch(() => undefined);
  return last === undefined ? undefined : refreshHeartbeat(context, record);
}

/** The agents of which a command on this machine, run in this session, has given a sign of life. */
export async function agentsSeenIn(
  sessionId: string,
  record: HeartbeatRecord,
): Promise<readonly string[]> {
  const { folder } = record;
  const io = ownDisk(record);
  const seen: string[] = [];
  for (const { name, kind } of (await io.readdir(join(folder, heartbeats))) ?? []) {
    if (kind !== 'directory' || !isName(name)) continue;
    const path = join(folder, heartbeats, name, placeName(sessionId));
    if ((await io.stat(path)) !== undefined) seen.push(name);
  }
  return seen;
}

function ownDisk({ io, folder }: HeartbeatRecord): Io {
  return withoutLinks(io, folder);
}

function recordPath({ agent, sessionId }: CoordinationContext, folder: string): string {
  return join(folder, heartbeats, checkName('agent', agent), placeName(sessionId ?? null));
}

async function lastBeat(io: Io, path: string): Promise<LastBeat | undefined> {
  const text = (await io.readFile(path))?.toString('utf8') ?? '';
  const [, at = '', every = ''] = /^(\d{1,16}) (\d{1,8})$/.exec(text) ?? [];
  return at === '' ? undefined : { atMs: Number(at), everyMs: Number(every) };
}

export interface ListedAgents {
  readonly agents: readonly Dated<LivingAgentDocument>[];
  /** Documents that could not be read. */
  readonly skipped: readonly DocumentError[];
}

/** All agents, in the order of their names. */
export async function listAgents(
  place: Pick<CoordinationContext, 'bucket' | 'layout'>,
): Promise<ListedAgents> {
  return readAgents(place, await listRegistrations(place));
}

/** An agent whose document is there, not read yet. */
export interface Registration {
  readonly agent: string;
  readonly entry: ObjectEntry;
}

export async function listRegistrations({
  bucket,
  layout,
}: Pick<CoordinationContext, 'bucket' | 'layout'>): Promise<readonly Registration[]> {
  const listed: Registration[] = [];
  for await (const entry of bucket.list(layout.agents())) {
    const leaf = entry.kind === 'object' ? entry.key.slice(layout.agents().length) : '';
    const agent = leaf.endsWith('.json') ? leaf.slice(0, -'.json'.length) : '';
    if (entry.kind === 'object' && isName(agent)) listed.push({ agent, entry });
  }
  return listed;
}

export async function readAgents(
  { bucket }: Pick<CoordinationContext, 'bucket'>,
  registrations: readonly Registration[],
): Promise<ListedAgents> {
  const read = await inParallel(registrations, async ({ entry: { key, size } }) => {
    try {
      const stored = await getListed(bucket, key, size);
      if (stored === undefined) return undefined;
      const document = parseDocument(livingAgentSchema, key, stored.body);
      return { document, modifiedAt: stored.modifiedAt };
    } catch (error) {
      if (error instanceof DocumentError) return error;
      throw error;
    }
  });
  return {
    agents: read.flatMap((one) => (one === undefined || one instanceof DocumentError ? [] : [one])),
    skipped: read.filter((one) => one instanceof DocumentError),
  };
}

/** Whether an agent of this name was ever seen; where that cannot be told, it is taken to be. */
export async function isRegistered(
  { bucket, layout }: Pick<CoordinationContext, 'bucket' | 'layout'>,
  agent: string,
): Promise<boolean> {
  try {
    return (await bucket.get(layout.agent(agent))) !== undefined;
  } catch {
    return true;
  }
}

export function unknownAgent(agent: string): string {
  return `No agent ${agent} was seen so far ("tracecraft agents" lists those that were); it finds this when it comes.`;
}
