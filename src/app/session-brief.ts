import { workFacts } from '../brief/facts.js';
import { type BriefContext, briefMarkdown } from '../brief/markdown.js';
import type { Bucket } from '../bucket/bucket.js';
import { systemClock } from '../clock.js';
import type { Settings } from '../config/settings.js';
import type { Conversation } from '../conversation/conversation.js';
import { listSteps, readHandoff, type StepView } from '../coordination/claims/steps.js';
import { readNewMail } from '../coordination/mail/inbox.js';
import { listMemories } from '../coordination/memory/read.js';
import { TracecraftError } from '../errors.js';
import { escapeTerminalBlock } from '../escape-terminal.js';
import { activeAt, type ListedSession } from '../mirror/slots/session-listing.js';
import type { HandoffDocument } from '../protocol/coordination.js';
import { bucketLayout } from '../protocol/keys.js';
import { readConversation } from '../sessions/conversation.js';
import { checkSecrets } from './secret-check.js';

export interface SessionBrief {
  readonly markdown: string;
  /** What could not be read; the brief was made without it. */
  readonly missing: readonly TracecraftError[];
}

/** A session in at most so many bytes of Markdown, for an agent of any harness that goes on with the work. */
export async function sessionBrief(
  settings: Settings,
  bucket: Bucket,
  session: ListedSession,
  bytes: number,
): Promise<SessionBrief> {
  const layout = bucketLayout(settings.project);
  const { id } = session;
  const missing: TracecraftError[] = [];
  const [conversation, around] = await Promise.all([
    readConversation({ bucket, layout }, { session, stream: '' }),
    aroundIt(settings, bucket, id, (error) => missing.push(error)),
  ]);
  const facts = workFacts(conversation);
  const context = { ...around, ...aboutIt(session, conversation) };
  const clean = (text: string): string =>
    escapeTerminalBlock(checkSecrets(settings, text, true).text);
  return { markdown: bounded(facts, context, bytes, clean), missing };
}

/** Looked through once more as a whole, where a secret may only show beside its name; that may add some bytes. */
function bounded(
  facts: ReturnType<typeof workFacts>,
  context: BriefContext,
  bytes: number,
  clean: (text: string) => string,
): string {
  let room = bytes;
  for (;;) {
    const markdown = clean(briefMarkdown(facts, context, { bytes: room, clean }));
    const over = Buffer.byteLength(markdown) - bytes;
    if (over <= 0 || room < over) return markdown;
    room -= over;
  }
}

function aboutIt({ harness, id, meta }: ListedSession, conversation: Conversation) {
  const { title, turns } = conversation;
  const at = activeAt({ meta });
  const told: readonly (readonly [string, string | null | undefined])[] = [
    // As "session: …", an id that is no UUID would be taken for a token.
    ['session id', id],
    ['harness', harness],
    ['folder', meta?.cwd],
    ['branch', meta?.git_branch],
    ['agent', meta?.agent_id],
    ['host', meta?.host],
    ['model', meta?.model],
    ['continues', conversation.forkedFrom?.session],
    ['last row', at],
    ['turns', String(turns.length)],
  ];
  const origin = told.flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : [[name, value] as const],
  );
  return { title: title ?? `${harness}/${id}`, folder: meta?.cwd ?? undefined, origin };
}

type Around = Omit<BriefContext, 'title' | 'folder' | 'origin'>;

/** Steps that it holds or ended, what was handed over with them, shared facts, and mail about them. */
async function aroundIt(
  settings: Settings,
  bucket: Bucket,
  session: string,
  onMissing: (error: TracecraftError) => void,
): Promise<Around> {
  const place = { bucket, layout: bucketLayout(settings.project), clock: systemClock };
  const attempt = async <T>(read: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof TracecraftError)) throw error;
      onMissing(error);
      return otherwise;
    }
  };
  const listed = await attempt(() => listSteps(place), { steps: [], skipped: new Map() });
  for (const error of listed.skipped.values()) onMissing(error);
  const own = listed.steps.filter(({ session_id: id }) => id === session);
  const handoffs = await Promise.all(
    own.map(async ({ step }) => ({
      step,
      handoff: await attempt(() => readHandoff(place, step), undefined),
    })),
  );
  const memories = await attempt(() => listMemories(place), {
    memories: [],
    skipped: [],
    strays: [],
  });
  return {
    claims: own.map(claimText),
    handoffs: handoffs.flatMap(({ step, handoff }) =>
      handoff === undefined ? [] : [{ step, text: handoffText(handoff) }],
    ),
    changedFiles: handoffs.flatMap(({ handoff }) => handoff?.changed_files ?? []),
    memoryKeys: memories.memories.map(({ key }) => key),
    mail: await attempt(() => unreadMail(settings, bucket, own), []),
  };
}

function claimText({ step, status, agent, expired }: StepView): string {
  const by = agent === null ? '' : ` by ${agent}`;
  return `step ${step}: ${status.replace('_', ' ')}${by}${expired ? ', its claim expired' : ''}`;
}

function handoffText(handoff: HandoffDocument): string {
  const { state, next_agent: to, next_action: action, note } = handoff;
  return [
    `state: ${state}`,
    ...(to === null ? [] : [`for: ${to}`]),
    ...(action === null ? [] : [`next: ${action}`]),
    ...(note === null || note === '' ? [] : [note]),
  ].join('\n');
}

const mostMail = 20;

/** It stays unread. */
async function unreadMail(
  { agent, project }: Settings,
  bucket: Bucket,
  steps: readonly StepView[],
): Promise<Around['mail']> {
  if (agent === undefined) return [];
  const place = { bucket, layout: bucketLayout(project), agent };
  const found = await Promise.all(
    steps.map(({ step }) => readNewMail(place, { step, limit: mostMail })),
  );
  return found.flatMap(({ mail }) =>
    mail.map(({ from, sentAt, message }) => ({ from, at: sentAt, text: message })),
  );
}
