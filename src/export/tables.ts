/** How a column's values are stored. Times are milliseconds since the epoch. */
export type ColumnType = 'text' | 'count' | 'amount' | 'flag' | 'time';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Texts hardly any of which comes twice. */
  readonly isLong?: true;
  readonly about: string;
}

export type Cell = string | number | boolean | null;
/** By column. */
export type Row = Readonly<Record<string, Cell>>;

export const tableNames = ['entries', 'events', 'sessions', 'handoffs'] as const;
export type TableName = (typeof tableNames)[number];

export interface Table {
  readonly name: TableName;
  readonly about: string;
  readonly columns: readonly Column[];
}

const text = (name: string, about: string): Column => ({ name, type: 'text', about });
const longText = (name: string, about: string): Column => ({ ...text(name, about), isLong: true });
const count = (name: string, about: string): Column => ({ name, type: 'count', about });
const flag = (name: string, about: string): Column => ({ name, type: 'flag', about });
const time = (name: string, about: string): Column => ({ name, type: 'time', about });

const place: readonly Column[] = [
  text('project', 'the project in the bucket'),
  text('harness', 'the program that ran the agent'),
  text('host', 'the machine that mirrored the session'),
  text('agent', 'the agent that it belongs to'),
  text('session', 'the id of the session'),
];

const entries: Table = {
  name: 'entries',
  about: 'one row per entry of a conversation; what a fork copied from its parent is left out',
  columns: [
    ...place,
    text('stream', "'' for the transcript itself, else the sub-agent's stream"),
    text('parent', 'the session that started this one or that it was forked from'),
    count('turn', 'the number of the turn, from 1'),
    longText('entry', 'the id of the entry, unique within its stream'),
    text(
      'kind',
      'prompt, answer, thinking, call, plan, result, command, compaction, context, notice, part',
    ),
    text('role', 'user, assistant, tool or system'),
    time('at', 'when it was written'),
    text('tool', 'the tool of a call'),
    longText('text', 'what was said, or the input of a call'),
    longText('result', 'what the call returned'),
    flag('is_error', 'the harness marked the result as an error'),
    text('model', 'the model that answered'),
    count('tokens', 'output tokens of the response, at its first entry, where ids match'),
    count('redactions', 'how many secrets were replaced in text and result'),
    text('cwd', 'the folder that the session was started in'),
    text('branch', 'its branch'),
  ],
};

const events: Table = {
  name: 'events',
  about:
    'what agents did through the bucket: claims, rejections, handoffs, mail, memory, artifacts',
  columns: [
    text('project', 'the project in the bucket'),
    time('at', "when, by the store's clock"),
    text('type', 'step.claimed, message.sent and the like'),
    text('agent', 'who did it'),
    text('step', 'the step that it concerns'),
    text('session', 'the session that it was done in'),
    text('to', 'who it is for'),
    count('epoch', 'how often the step had changed hands'),
    longText('text', 'a description in one line'),
    flag('is_derived', 'no event records it: it follows from the state'),
    text('key', 'the object that records it'),
  ],
};

const sessions: Table = {
  name: 'sessions',
  about: 'one row per session',
  columns: [
    ...place,
    text('parent', 'the session that started this one or that it was forked from'),
    text('title', 'what it is called'),
    text('cwd', 'the folder that it was started in'),
    text('branch', 'its branch'),
    text('model', 'the model that it used last'),
    text('harness_version', 'the version of the harness'),
    time('started_at', 'when it began'),
    time('last_row_at', 'when it last said something'),
    time('ended_at', 'when it ended, if its harness told'),
    count('turns', 'own turns'),
    count('prompts', 'own prompts'),
    count('lines', 'lines of its transcript'),
    count('redactions', 'secrets replaced when it was mirrored'),
    count('calls', 'calls to models'),
    count('input_uncached', 'input tokens that came from no cache'),
    count('cache_read', 'input tokens from a cache'),
    count('cache_write', 'input tokens written to a cache'),
    count('output', 'output tokens'),
    count('reasoning', 'output tokens that were reasoning'),
  ],
};

const handoffs: Table = {
  name: 'handoffs',
  about: 'how steps ended, each with the turns that led to it',
  columns: [
    text('project', 'the project in the bucket'),
    time('at', 'when'),
    text('step', 'the step'),
    count('epoch', 'how often the step had changed hands'),
    text('from_agent', 'who held it'),
    text('to_agent', 'who is next'),
    text('state', 'complete, blocked or needs_review'),
    text('note', 'what the holder says'),
    text('next_action', 'what is to be done next'),
    text('changed_files', 'JSON: a list of paths'),
    text('harness', 'the program that ran the holder'),
    text('session', 'the session that it was done in'),
    count('turn', 'the last turn before it'),
    longText('turns', 'JSON: the last turns before it, each {turn, at, prompt, answer, calls}'),
  ],
};

export const tables: Readonly<Record<TableName, Table>> = { entries, events, sessions, handoffs };

/** The month of a partition: `2026-11`, or `undated`. */
export function monthOf(time: number | string | null | undefined): string {
  const ms = typeof time === 'string' ? Date.parse(time) : (time ?? Number.NaN);
  const isDate = !Number.isNaN(ms) && Math.abs(ms) < 8.64e15;
  return isDate ? (/^\d{4}-\d\d/.exec(new Date(ms).toISOString())?.[0] ?? 'undated') : 'undated';
}

export function msOf(time: string | null | undefined): number | null {
  const ms = Date.parse(time ?? '');
  return Number.isNaN(ms) ? null : ms;
}
