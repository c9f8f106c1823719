import { hostname } from 'node:os';
import { harnessNames } from '../../watchers/names.js';
import type { Bucket } from '../bucket/bucket.js';
import { systemClock } from '../clock.js';
import { inParallel } from '../concurrency.js';
import { destinationFolder } from '../config/destination.js';
import type { Settings, Source } from '../config/settings.js';
import { listRegistrations, readAgents } from '../coordination/agents/agents.js';
import type { StorePlace } from '../coordination/claims/document.js';
import { listSteps, type StepView } from '../coordination/claims/steps.js';
import { countUnread } from '../coordination/mail/inbox.js';
import { nodeIo } from '../io.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import type { WatchView } from '../mirror/watch/watch-view.js';
import type { LivingAgentDocument } from '../protocol/coordination.js';
import { bucketLayout } from '../protocol/keys.js';
import { tokensIn } from '../protocol/usage.js';
import { totalUsage } from '../protocol/usage-slots.js';
import { listDated, readMetas } from '../sessions/indexed.js';
import { shortIds } from '../sessions/reference.js';
import { unsentBytes } from './session-lag.js';

export interface AgentView extends LivingAgentDocument {
  /** By the store's clock. */
  readonly modified_at: string;
}

export interface MailboxView {
  readonly agent: string;
  /** Messages that `inbox --new` would show. */
  readonly unread: { readonly direct: number; readonly broadcast: number };
}

export interface SessionView {
  readonly harness: string;
  readonly session_id: string;
  /** As much of the id as tells it from all others. */
  readonly short_id: string;
  readonly title: string | null;
  readonly last_uploaded_at: string | null;
  readonly ended_at: string | null;
  readonly total_lines: number | null;
  /** What its calls to models read and wrote in all; `null` if nobody counted. */
  readonly tokens: number | null;
  /** Bytes of a local transcript that were not sent; `null` if unknown here. */
  readonly behind_bytes: number | null;
}

export interface Overview {
  readonly bucket: string;
  readonly project: string;
  readonly agent: string | null;
  /** Where the name comes from: a variable or a file. */
  readonly source: { readonly destination: string; readonly agent: string };
  readonly agents: readonly AgentView[];
  readonly steps: readonly StepView[];
  /** Of every registered agent. */
  readonly mailboxes: readonly MailboxView[];
  readonly sessions: readonly SessionView[];
  readonly session_count: number;
  /** The state of this machine's mirror, as recorded by the watch; `null` if none has run here. */
  readonly watch: WatchView | null;
  /** The store's time of this snapshot. */
  readonly at: string;
}

interface Overseen {
  readonly overview: Overview;
  /** Objects that could not be read. */
  readonly skipped: readonly Error[];
}

const shownSessions = 10;

/** A snapshot of the whole run, read in one go. */
export async function readOverview(
  bucket: Bucket,
  settings: Settings,
  watch: WatchView | null,
): Promise<Overseen> {
  const layout = bucketLayout(settings.project);
  const place = { bucket, layout };
  const registered = listRegistrations(place);
  const [agents, mailboxes, steps, { sessions }] = await Promise.all([
    registered.then((registrations) => readAgents(place, registrations)),
    registered.then((registrations) =>
      inParallel(registrations, ({ agent }) => unreadOf(place, agent)),
    ),
    listSteps({ ...place, clock: systemClock }),
    listDated(bucket, layout, harnessNames),
  ]);
  const shown = await readMetas(bucket, layout, sessions.slice(0, shownSessions));
  const short = shortIds(
    sessions.map(({ id }) => id),
    shown.map(({ id }) => id),
  );
  const folder = destinationFolder(settings.stateFolder, bucket.location, settings.project);
  const overview: Overview = {
    bucket: bucket.location,
    project: settings.project,
    agent: settings.agent ?? null,
    source: {
      destination: sourceText(settings.source.destination),
      agent: sourceText(settings.source.agent),
    },
    agents: agents.agents.map(({ document, modifiedAt }) => ({
      ...document,
      modified_at: modifiedAt.toISOString(),
    })),
    steps: steps.steps,
    mailboxes,
    sessions: await Promise.all(
      shown.map((session) => viewSession(session, short.get(session.id) ?? session.id, folder)),
    ),
    session_count: sessions.length,
    watch,
    at: (await bucket.now()).toISOString(),
  };
  return { overview, skipped: [...agents.skipped, ...steps.skipped.values()] };
}

async function unreadOf(place: StorePlace, agent: string): Promise<MailboxView> {
  return { agent, unread: await countUnread({ ...place, agent }) };
}

async function viewSession(
  session: ListedSession,
  shortId: string,
  folder: string,
): Promise<SessionView> {
  const { harness, id, meta } = session;
  const used = totalUsage(meta?.usage);
  return {
    harness,
    session_id: id,
    short_id: shortId,
    title: meta?.title ?? meta?.cwd ?? null,
    last_uploaded_at: meta?.last_uploaded_at ?? null,
    ended_at: meta?.ended_at ?? null,
    total_lines: meta?.total_lines ?? null,
    tokens: used === undefined ? null : tokensIn(used),
    behind_bytes: await unsentBytes(session, { host: hostname(), io: nodeIo, folder }),
  };
}

function sourceText(source: Source): string {
  if (source.kind === 'environment') return source.name;
  return source.kind === 'default' ? 'nobody' : source.path;
}
