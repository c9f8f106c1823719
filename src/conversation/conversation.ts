/**
 * A harness's transcript as a reader sees it: turns of entries, and a count of the bookkeeping
 * rows.
 */
export interface Conversation {
  readonly harness: string;
  readonly session: string;
  /** '' is the session's main stream. */
  readonly stream: string;
  readonly title?: string;
  /** The whole conversation is a sub-agent's. */
  readonly isSubagent: boolean;
  readonly spawnedBy?: Spawn;
  readonly forkedFrom?: Fork;
  readonly turns: readonly Turn[];
  /** Rows that yield no entry, counted by the harness's name for them. */
  readonly bookkeeping: Readonly<Record<string, number>>;
  /** Rows read; each is in entries or counted as bookkeeping. */
  readonly rows: number;
  /** Those of them that only record the state of the whole session. */
  readonly stateRows: number;
  /**
   * The sub-agents and reviews that belong to it; most also appear at the call that started them.
   */
  readonly children: readonly Child[];
}

/** Who started a sub-agent, and with which call. */
export interface Spawn {
  readonly session: string;
  readonly stream?: string;
  readonly callId?: string;
}

/** The session that inherited turns come from, and the last row taken over, if recorded. */
export interface Fork {
  readonly session: string;
  readonly rowId?: string;
}

/** A conversation started by a call. */
export interface Child {
  /** The harness's id for it: an agent, a thread, a session. */
  readonly id: string;
  /** `undefined` while only the harness's own key is known. */
  readonly session?: string;
  readonly stream?: string;
  readonly description?: string;
}

/**
 * Who spoke: a person, a program that calls the harness, an agent that delegates, or the harness
 * about a task that ended.
 */
export type PromptOrigin = 'human' | 'sdk' | 'agent' | 'notification';

/** A prompt and everything up to the next one. */
export interface Turn {
  readonly id: string;
  /** From 1. */
  readonly number: number;
  /** `none`: before any prompt, or after a boundary. */
  readonly origin: PromptOrigin | 'none';
  readonly startedAtMs?: number;
  readonly endedAtMs?: number;
  readonly state: TurnState;
  /** Copied from another session when this one was forked off. */
  readonly isInherited: boolean;
  /** On a branch that was abandoned. */
  readonly isAbandoned: boolean;
  readonly entries: readonly Entry[];
}

export type TurnState = 'done' | 'interrupted' | 'failed' | 'open';

export type Entry =
  | PromptEntry
  | AnswerEntry
  | CallEntry
  | PlanEntry
  | ResultEntry
  | CommandEntry
  | CompactionEntry
  | ContextEntry
  | NoticeEntry
  | PartEntry;

interface EntryBase {
  /** Unique within its conversation. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly atMs?: number;
  /** Line numbers in the stream, ascending, so that every view can link to the raw JSON. */
  readonly rows: readonly number[];
  readonly isInherited?: true;
  readonly isAbandoned?: true;
  /** Its rows are lines of an earlier generation of the stream. */
  readonly isEarlier?: true;
}

/** Everything a model says or calls belongs to one response. */
interface Response {
  readonly responseId?: string;
  readonly model?: string;
}

export interface PromptEntry extends EntryBase {
  readonly kind: 'prompt';
  readonly origin: PromptOrigin;
  readonly text: string;
  readonly images: number;
  /** Typed while a turn was running. */
  readonly isQueued?: true;
}

/** The joined parts of one response. */
export interface AnswerEntry extends EntryBase, Response {
  readonly kind: 'answer' | 'thinking';
  readonly text: string;
}

interface Called extends EntryBase, Response {
  readonly callId?: string;
  readonly tool: string;
  readonly input: unknown;
  readonly result?: Result;
}

export interface CallEntry extends Called {
  readonly kind: 'call';
  /** The tool's most informative argument, on one line. */
  readonly summary: string;
  /** The shell command, for a call that runs one. */
  readonly command?: string;
  readonly child?: Child;
}

/** A call that updates a to-do list, shown as that list. */
export interface PlanEntry extends Called {
  readonly kind: 'plan';
  readonly items: readonly PlanItem[];
}

export interface PlanItem {
  readonly text: string;
  readonly state: string;
}

/** The result of a call that is missing. */
export interface ResultEntry extends EntryBase {
  readonly kind: 'result';
  readonly callId?: string;
  readonly tool?: string;
  readonly result: Result;
}

export interface Result {
  readonly text: string;
  /** The harness flags it as an error; a failed command is identified by `exitCode`. */
  readonly isError: boolean;
  readonly images: number;
  /** When the result arrived. */
  readonly atMs?: number;
  readonly exitCode?: number;
  readonly durationMs?: number;
  readonly diff?: string;
  /**
   * Its text was too long for the transcript and is in the stream of spilled results under this
   * name.
   */
  readonly spilled?: string;
}

/** A slash command, or a shell command typed by the user (`!`). */
export interface CommandEntry extends EntryBase {
  readonly kind: 'command';
  readonly name: string;
  readonly args: string;
  readonly output?: string;
}

export interface CompactionEntry extends EntryBase {
  readonly kind: 'compaction';
  readonly summary?: string;
  /** Some harnesses have an agent write the summary, in a stream of its own. */
  readonly agent?: Child;
}

/** Text the model was given that nobody typed. */
export interface ContextEntry extends EntryBase {
  readonly kind: 'context';
  readonly source: ContextSource;
  readonly text: string;
}

export type ContextSource = 'hook' | 'mail' | 'chatter' | 'system' | 'agent';

/** A message from the harness itself. */
export interface NoticeEntry extends EntryBase {
  readonly kind: 'notice';
  readonly notice: NoticeKind;
  readonly text: string;
  /** More than 1 for retries, which are reported one by one. */
  readonly count: number;
  /** The task or agent it is about. */
  readonly task?: string;
}

export type NoticeKind =
  | 'error'
  | 'retries'
  | 'refusal'
  | 'interruption'
  | 'notification'
  | 'review'
  | 'note';

/** A part of a message that this reader does not recognise. */
export interface PartEntry extends EntryBase {
  readonly kind: 'part';
  readonly name: string;
}

export function entriesOf({ turns }: Pick<Conversation, 'turns'>): readonly Entry[] {
  return turns.flatMap(({ entries }) => entries);
}
