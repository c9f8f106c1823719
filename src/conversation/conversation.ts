/** What a harness's transcript amounts to for a reader: turns of entries, and rows that are nobody's words. */
export interface Conversation {
  readonly harness: string;
  readonly session: string;
  /** '' is the session's main stream. */
  readonly stream: string;
  readonly title?: string;
  /** Whether all of it is a sub-agent's. */
  readonly isSubagent: boolean;
  readonly spawnedBy?: Spawn;
  readonly forkedFrom?: Fork;
  readonly turns: readonly Turn[];
  /** Rows that give no entry, counted by what the harness calls them. */
  readonly bookkeeping: Readonly<Record<string, number>>;
  /** Rows read; each is in entries or counted as bookkeeping. */
  readonly rows: number;
  /** Those of them that only tell the state of the whole session. */
  readonly stateRows: number;
  /** The sub-agents and reviews that belong to it; most of them also stand at the call that began them. */
  readonly children: readonly Child[];
}

/** Who began a sub-agent, and with which call. */
export interface Spawn {
  readonly session: string;
  readonly stream?: string;
  readonly callId?: string;
}

/** The session that inherited turns come from, and the last row taken over where that is told. */
export interface Fork {
  readonly session: string;
  readonly rowId?: string;
}

/** A conversation of its own that a call began. */
export interface Child {
  /** As its harness names it: an agent, a thread, a session. */
  readonly id: string;
  /** Unknown while only the harness's own key of it is. */
  readonly session?: string;
  readonly stream?: string;
  readonly description?: string;
}

/** Who spoke: a person, a program that calls the harness, an agent that delegates, the harness about a task that ended. */
export type PromptOrigin = 'human' | 'sdk' | 'agent' | 'notification';

/** A prompt and all that follows up to the next one. */
export interface Turn {
  readonly id: string;
  /** From 1. */
  readonly number: number;
  /** `none`: what stands before any prompt, or after a boundary. */
  readonly origin: PromptOrigin | 'none';
  readonly startedAtMs?: number;
  readonly endedAtMs?: number;
  readonly state: TurnState;
  /** Copied from another session when this one was forked off. */
  readonly isInherited: boolean;
  /** On a branch that was left. */
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
  /** Lines of the stream, ascending: every view can reach the JSON. */
  readonly rows: readonly number[];
  readonly isInherited?: true;
  readonly isAbandoned?: true;
  /** Its rows are lines of an earlier generation of the stream. */
  readonly isEarlier?: true;
}

/** What a model said or asked for belongs to one response of it. */
interface Response {
  readonly responseId?: string;
  readonly model?: string;
}

export interface PromptEntry extends EntryBase {
  readonly kind: 'prompt';
  readonly origin: PromptOrigin;
  readonly text: string;
  readonly images: number;
  /** Typed while a turn ran. */
  readonly isQueued?: true;
}

/** The parts of one response, joined. */
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
  /** The tool's argument that says most, on one line. */
  readonly summary: string;
  /** Of a call that runs one: the shell command. */
  readonly command?: string;
  readonly child?: Child;
}

/** A call that keeps a list of what is to be done, shown as that list. */
export interface PlanEntry extends Called {
  readonly kind: 'plan';
  readonly items: readonly PlanItem[];
}

export interface PlanItem {
  readonly text: string;
  readonly state: string;
}

/** What came back of a call that is not there. */
export interface ResultEntry extends EntryBase {
  readonly kind: 'result';
  readonly callId?: string;
  readonly tool?: string;
  readonly result: Result;
}

export interface Result {
  readonly text: string;
  /** The harness flags it as an error; a command that failed is told by `exitCode`. */
  readonly isError: boolean;
  readonly images: number;
  /** When it came back. */
  readonly atMs?: number;
  readonly exitCode?: number;
  readonly durationMs?: number;
  readonly diff?: string;
  /** Its text was too long for the transcript and lies in the stream of spilled results under this name. */
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
  /** Some harnesses let an agent write the summary, in a stream of its own. */
  readonly agent?: Child;
}

/** What was put before the model and nobody typed. */
export interface ContextEntry extends EntryBase {
  readonly kind: 'context';
  readonly source: ContextSource;
  readonly text: string;
}

export type ContextSource = 'hook' | 'mail' | 'chatter' | 'system' | 'agent';

/** What the harness has to say. */
export interface NoticeEntry extends EntryBase {
  readonly kind: 'notice';
  readonly notice: NoticeKind;
  readonly text: string;
  /** More than 1 for retries, which come one by one. */
  readonly count: number;
  /** The task or agent that it is about. */
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

/** A part of a message that this reader does not know. */
export interface PartEntry extends EntryBase {
  readonly kind: 'part';
  readonly name: string;
}

export function entriesOf({ turns }: Pick<Conversation, 'turns'>): readonly Entry[] {
  return turns.flatMap(({ entries }) => entries);
}
