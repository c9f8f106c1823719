/**
 * How a harness's sessions are laid back on disk so that it resumes them. Pure: stored lines go in, pieces of files come
 * out, and nothing is read or written. `src/restore` orders, checks, writes and verifies.
 */
export interface HarnessResume {
  /** The first one that applies is offered; a harness that only imports copies has just 'as-new'. */
  readonly modes: readonly RestoreMode[];
  /** The folder below which its files belong. */
  folder(surroundings: ResumeSurroundings): string;
  /** Whether its own sessions can have such an id, so that it may become part of a file's name. */
  isId(id: string): boolean;
  /** How it would spell the id of a new session, made of a UUID; as it is, if not given. */
  idOf?(uuid: string): string;
  /** The history that this stream continues instead of holding it; without that, the harness cannot resume it. */
  baseOf?(stream: StoredStream): HistoryBase | undefined;
  plan(request: RestoreRequest): RestorePlan;
  /** The file by which it finds sessions that were restored together, if it needs one. */
  index?(sessions: readonly IndexedCopy[]): Chunk;
}

/**
 * `verbatim`: the same id and the same lines, so that the mirror goes on where it was. `as-new`: a copy under a new id,
 * which holds only what an allow-list names.
 */
export type RestoreMode = 'verbatim' | 'as-new';

export interface ResumeSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, or the folder that stands for it. */
  readonly home: string;
}

/** A stream of the session, or of one whose history it continues. */
export interface StoredStream {
  readonly session: string;
  /** '' is the main stream. */
  readonly name: string;
  /** With its newline; empty if nothing is stored. */
  readonly firstLine: Buffer;
}

/** A session as an index of its harness names it. */
export interface IndexedCopy {
  readonly id: string;
  /** When it last said something, in milliseconds since the epoch; 0 if unknown. */
  readonly lastMs: number;
}

/** The beginning of another stream that counts as this one's, up to a row. */
export interface HistoryBase {
  readonly session: string;
  readonly stream: string;
  /** The first row that does not belong to it. */
  readonly endOrdinal: number;
  /** How many bytes the rows before it take. */
  readonly endOffset: number;
}

export interface RestoreRequest {
  readonly mode: RestoreMode;
  readonly session: string;
  /** The session's id once it is restored: its own, or a new one. */
  readonly id: string;
  /** The folder in which it will be resumed: absolute, without links. */
  readonly cwd: string;
  /** What `folder` answered. */
  readonly folder: string;
  /** The session's streams after those whose history they continue. */
  readonly streams: readonly StoredStream[];
  /** Others are restored into the same folder: nothing may be written that there can be only one of. */
  readonly isOneOfMany?: boolean;
}

export interface RestorePlan {
  /** In the order of writing: what others depend on first, the transcript last. */
  readonly streams: readonly LaidStream[];
  /** Streams of the session that are not laid: the harness resumes without them. */
  readonly leftOut: readonly string[];
  /** Programs and their arguments, to be run one after another in `cwd`; the last one resumes the session. */
  readonly commands: readonly (readonly string[])[];
  /** Whether they can be run as they are; otherwise something in them is for the user to fill in or decide. */
  readonly isRunnable: boolean;
  /** What the user should know, a sentence each. */
  readonly notes: readonly string[];
}

export interface LaidStream {
  readonly session: string;
  readonly stream: string;
  readonly laying: Laying;
}

/** Turns the lines of one stream into files. Each line comes with its newline, in order. */
export interface Laying {
  /** If present, it is given all lines once before any is laid. */
  measure?(line: Buffer): void;
  line(line: Buffer): readonly Chunk[];
  /** The same for many lines at once, where they are laid as they are. */
  block?(lines: Buffer): readonly Chunk[];
  /** After the last line. */
  end?(): readonly Chunk[];
  /** Asked once all lines were measured and laid, before anything is put in place. */
  problem?(): LayingProblem | undefined;
}

/** Bytes that go to the end of a file. */
export interface Chunk {
  /** Below the harness's folder, name by name. */
  readonly path: readonly string[];
  readonly bytes: Buffer;
  /** Its harness replaces the file while the session goes on, so whatever is there already stays. */
  readonly isReplaced?: boolean;
}

export interface LayingProblem {
  /** `unsafe`: resuming would do something unasked. `lineage`: what it continues does not fit. `damaged`: unusable. */
  readonly kind: 'unsafe' | 'lineage' | 'damaged';
  readonly text: string;
  readonly hint: string;
}

/** Every line goes to the end of one file, unchanged. */
export function wholeStream(path: readonly string[]): Laying {
  const asTheyAre = (bytes: Buffer): readonly Chunk[] => [{ path, bytes }];
  return { line: asTheyAre, block: asTheyAre };
}

/** The harness gives up on a transcript whose first row it cannot read. */
export const damagedStart: Laying = {
  line: () => [],
  problem: () => ({
    kind: 'damaged',
    text: 'its first row does not say what its harness needs to know',
    hint: 'Restore it with --as-new, or hand it on with "tracecraft session brief".',
  }),
};

/** For a harness that goes on in the folder that a transcript names, wherever it is started. */
export function elsewhereNote(
  title: string,
  recorded: string | undefined,
  cwd: string,
): readonly string[] {
  return recorded === undefined || recorded === cwd
    ? []
    : [`${title} goes on in ${recorded}, as the transcript says. --as-new moves a copy here.`];
}

/** Whether a name from a bucket can be a file's or folder's own name: no path, and nothing hidden in it. */
export function isFileName(name: string): boolean {
  return (
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    Buffer.byteLength(name) <= 240 &&
    !/[/\\\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)
  );
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(id: string): boolean {
  return uuid.test(id);
}
