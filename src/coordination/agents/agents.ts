import { join } from 'node:path';
import type { ObjectEntry } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import { NotAllowedError } from '../../errors.js';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import { type LivingAgentDocument, livingAgentSchema } from '../../protocol/coordination.js';
import { type AgentDocument, DocumentError, parseDocument } from '../../protocol/documents.js';
import { checkName, encodeId, isName } from '../../protocol/names.js';
import { getListed } from '../claims/document.js';
import type { CoordinationContext } from '../context.js';
import { writeEvent } from '../events.js';
import { changeAgent, refuseOtherSpelling } from './document.js';
import { type Dated, maxTtlMs, sessionKey } from './liveness.js';
import { newAgent } from './registration.js';

export interface Beat {
  /** `null`: outside any session. */
  readonly sessionId: string | null;
  readonly harness?: string;
  readonly status: AgentDocument['status'];
  /** What the agent is working on, `null` for nothing; omitted: unchanged. */
  readonly step?: string | null;
  readonly summary?: string;
}

/** Milliseconds between an agent's heartbeats. */
const heartbeatEveryMs = 60_000;
const heartbeats = 'heartbeats';
const maxSessions = 32;

/**
 * Sends a heartbeat of one session of an agent; registers an unknown agent. Times are the store's.
 */
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

/** Those that may still hold a claim, newest first. */
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

/** The last heartbeat sent from here, by this machine's clock, and how often one is needed. */
export interface LastBeat {
  readonly atMs: number;
  readonly everyMs: number;
}

/** Whether a heartbeat is due, by this machine's clock, which may have been set back since the last one. */
function heartbeatDue(last: LastBeat | undefined, nowMs: number): boolean {
  return last === undefined || last.atMs > nowMs || nowMs - last.atMs >= last.everyMs;
}

/** Three per TTL of a claim, so that one may be late; at most one per minute. */
function beatEveryMs(ttlMs: number | null): number {
  return ttlMs === null ? heartbeatEveryMs : Math.min(heartbeatEveryMs, Math.trunc(ttlMs / 3));
}

/** Where this machine remembers its last heartbeat, so that checking costs no request. */
export interface HeartbeatRecord {
  readonly io: Io;
  /** This machine's folder for the destination. */
  readonly folder: string;
}

export interface HeartbeatNews {
  /** What the agent is working on now, `null` for nothing; omitted: unchanged. */
  readonly step?: string | null;
  /** Milliseconds: the TTL of the claim just made, `null` if it never expires. */
  readonly ttlMs?: number | null;
}

/**
 * What every command of an agent does in addition to its own requests. With a `step` it sends a heartbeat
 * at once, because a new step is news. Never fails: resolves to the error, if any.
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

/** The shortest TTL claimed from here applies until a step is ended. */
function everyAfter(last: LastBeat | undefined, ttlMs: number | null | undefined): number {
  const before = last?.everyMs ?? heartbeatEveryMs;
  return ttlMs === undefined ? before : Math.min(before, beatEveryMs(ttlMs));
}

/**
 * Like `refreshHeartbeat`, for commands that only read: only if the agent has sent a heartbeat from
 * here before. Reading registers nobody.
 */
export async function keepHeartbeat(
  context: CoordinationContext,
  record: HeartbeatRecord,
): Promise<Error | undefined> {
  const path = recordPath(context, record.folder);
  const last = await lastBeat(ownDisk(record), path).catch(() => undefined);
  return last === undefined ? undefined : refreshHeartbeat(context, record);
}

/** The agents for which a command in this session on this machine has sent a heartbeat. */
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

/** All agents, ordered by name. */
export async function listAgents(
  place: Pick<CoordinationContext, 'bucket' | 'layout'>,
): Promise<ListedAgents> {
  return readAgents(place, await listRegistrations(place));
}

/** An agent whose document exists but has not been read yet. */
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

/**
 * Whether the recipient is registered. `UsageError` if a known agent's name differs only in case:
 * nobody would ever read the message.
 */
export async function isRecipientKnown(
  place: Pick<CoordinationContext, 'bucket' | 'layout'>,
  agent: string,
): Promise<boolean> {
  const isKnown = await isRegistered(place, agent);
  if (!isKnown) await refuseOtherSpelling({ ...place, agent });
  return isKnown;
}

/** `UsageError` if the agent's name differs from a known one only in case. */
export async function refuseMisspelledAgent(
  place: Pick<CoordinationContext, 'bucket' | 'layout'>,
  agent: string,
): Promise<void> {
  if (!(await isRegistered(place, agent))) await refuseOtherSpelling({ ...place, agent });
}

/**
 * `UsageError` if another agent's name differs only in case. Asked once: an agent that has sent a
 * heartbeat from here is already registered under its name.
 */
export async function refuseTakenName(
  context: CoordinationContext,
  record: HeartbeatRecord,
): Promise<void> {
  const last = await lastBeat(ownDisk(record), recordPath(context, record.folder));
  if (last !== undefined || (await isRegistered(context, context.agent))) return;
  try {
    await refuseOtherSpelling(context);
  } catch (error) {
    // Without permission to list, there is no way to know.
    if (!(error instanceof NotAllowedError)) throw error;
  }
}

/** Whether an agent of this name was ever seen; yes if that cannot be determined. */
async function isRegistered(
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
  return `No agent ${agent} has been seen so far ("tracecraft agents" lists the known ones); it will find this when it arrives.`;
}
