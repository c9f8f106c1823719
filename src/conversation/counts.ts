import { type Conversation, type Entry, entriesOf } from './conversation.js';

/** Counts for the session itself, or for the one it was forked from. */
export interface SpokenCounts {
  /** Typed by a person or sent by a program that calls the harness. */
  readonly prompts?: number;
  /** Tasks given to a sub-agent. */
  readonly agent_prompts?: number;
  /** Prompts typed while a turn was running. */
  readonly queued?: number;
  /** Responses of the model that contain text. */
  readonly answers?: number;
  readonly thinking?: number;
  readonly calls?: number;
  /** Calls whose result was found. */
  readonly joined?: number;
  /** Results that the harness flags as errors. */
  readonly call_errors?: number;
  /** In prompts and results. */
  readonly images?: number;
}

/** A conversation in numbers. Zero counts are omitted. */
export interface ConversationCounts {
  readonly harness: string;
  readonly session: string;
  readonly stream: string;
  readonly title?: string;
  readonly own: SpokenCounts;
  readonly inherited: SpokenCounts;
  readonly subagents_linked: readonly string[];
  readonly rows: number;
  readonly rows_in_conversation: number;
  /** Own prompts on an abandoned branch. */
  readonly abandoned_prompts?: number;
  /** Slash commands and shell commands typed by the user, in order. */
  readonly commands?: readonly string[];
  readonly compactions?: number;
  readonly errors?: number;
  /** Hook context, mail, and overheard chatter. */
  readonly injected?: number;
  /** Turns that a person stopped. */
  readonly interruptions?: number;
  readonly notifications?: number;
  /** Calls shown as a list. */
  readonly plan_updates?: number;
  readonly is_subagent?: true;
  /** The session that spawned or forked this one. */
  readonly parent?: string;
}

export function countsOf(conversation: Conversation): ConversationCounts {
  const { harness, session, stream, title, isSubagent, rows, stateRows } = conversation;
  const entries = entriesOf(conversation);
  const own = entries.filter((entry) => entry.isInherited !== true);
  const inherited = entries.filter((entry) => entry.isInherited === true);
  const parent = parentOf(conversation);
  return {
    harness,
    session,
    stream,
    ...(title === undefined ? {} : { title }),
    own: spokenCounts(own),
    inherited: spokenCounts(inherited),
    subagents_linked: linkedChildren(conversation, entries),
    rows: rows - stateRows,
    rows_in_conversation: new Set(entries.flatMap((entry) => entry.rows)).size,
    ...wholeCounts(conversation, entries),
    ...(isSubagent ? { is_subagent: true } : {}),
    ...(parent === undefined ? {} : { parent }),
  };
}

/** For a sub-agent in a stream of its session, no other session is the parent. */
function parentOf({ session, spawnedBy, forkedFrom }: Conversation): string | undefined {
  const parent = spawnedBy?.session ?? forkedFrom?.session;
  return parent === session ? undefined : parent;
}

function linkedChildren({ children }: Conversation, entries: readonly Entry[]): readonly string[] {
  const called = entries.flatMap((entry) =>
    entry.kind === 'call' && entry.child !== undefined ? [entry.child.id] : [],
  );
  return [...new Set([...called, ...children.map(({ id }) => id)])].sort();
}

function spokenCounts(entries: readonly Entry[]): SpokenCounts {
  const prompts = entries.filter((entry) => entry.kind === 'prompt');
  const calls = entries.filter((entry) => entry.kind === 'call' || entry.kind === 'plan');
  const results = calls.flatMap(({ result }) => (result === undefined ? [] : [result]));
  const lone = entries.flatMap((entry) => (entry.kind === 'result' ? [entry.result] : []));
  const pictured = [...prompts, ...results, ...lone];
  return positive({
    prompts: prompts.filter(({ origin }) => origin !== 'agent').length,
    agent_prompts: prompts.filter(({ origin }) => origin === 'agent').length,
    queued: prompts.filter(({ isQueued }) => isQueued === true).length,
    answers: entries.filter(({ kind }) => kind === 'answer').length,
    thinking: entries.filter(({ kind }) => kind === 'thinking').length,
    calls: calls.length,
    joined: results.length,
    call_errors: results.filter(({ isError }) => isError).length,
    images: pictured.reduce((sum, { images }) => sum + images, 0),
  });
}

function wholeCounts(
  { turns }: Conversation,
  entries: readonly Entry[],
): Pick<
  ConversationCounts,
  | 'abandoned_prompts'
  | 'commands'
  | 'compactions'
  | 'errors'
  | 'injected'
  | 'interruptions'
  | 'notifications'
  | 'plan_updates'
> {
  const commands = entries.flatMap((entry) => (entry.kind === 'command' ? [entry.name] : []));
  const notices = entries.filter((entry) => entry.kind === 'notice');
  const errors = notices.filter(({ notice }) => notice === 'error' || notice === 'retries');
  const abandoned = entries.filter(
    (entry) => entry.kind === 'prompt' && entry.isAbandoned && entry.isInherited !== true,
  );
  const stopped = turns.filter((turn) =>
    turn.entries.some((entry) => entry.kind === 'notice' && entry.notice === 'interruption'),
  );
  return {
    ...(commands.length === 0 ? {} : { commands }),
    ...positive({
      abandoned_prompts: abandoned.length,
      compactions: entries.filter(({ kind }) => kind === 'compaction').length,
      errors: errors.reduce((sum, { count }) => sum + count, 0),
      injected: entries.filter(({ kind }) => kind === 'context').length,
      interruptions: stopped.length,
      notifications: notices.filter(({ notice }) => notice === 'notification').length,
      plan_updates: entries.filter(({ kind }) => kind === 'plan').length,
    }),
  };
}

function positive<Name extends string>(
  counts: Readonly<Record<Name, number>>,
): { readonly [One in Name]?: number } {
  const there = Object.entries<number>(counts).filter(([, count]) => count > 0);
  return Object.fromEntries(there) as { readonly [One in Name]?: number };
}
