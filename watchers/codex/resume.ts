import { join, resolve } from 'node:path';
import {
  type HarnessResume,
  type HistoryBase,
  isUuid,
  type LaidStream,
  type Laying,
  type RestorePlan,
  type RestoreRequest,
  type StoredStream,
  wholeStream,
} from '../resume.js';
import { CopiedItems } from './resume/copied-items.js';
import { FittedRows } from './resume/fitted-rows.js';
import { historyBaseOf, startOf } from './resume/rollout-row.js';

/**
 * Codex finds a rollout by the id and the time in its name, in any folder of `sessions`. A fork or a reverted thread
 * holds only what is new and names the rest by thread and byte offset.
 */
export const codexResume: HarnessResume = {
  modes: ['verbatim', 'as-new'],
  folder: ({ env, home }) => {
    const configured = env.CODEX_HOME?.trim() ?? '';
    return configured === '' ? join(home, '.codex') : resolve(configured);
  },
  isId: isUuid,
  baseOf,
  plan: (request) => (request.mode === 'verbatim' ? verbatim(request) : asNew(request)),
};

/** Unless told, its terminal takes sandbox and approvals from the recording. */
const safeFlags = ['-s', 'workspace-write', '-a', 'on-request'];
const segments = 'segments/';

function baseOf({ firstLine }: StoredStream): HistoryBase | undefined {
  const base = historyBaseOf(firstLine);
  return base === undefined ? undefined : { ...base, stream: '' };
}

function verbatim({ session, cwd, streams }: RestoreRequest): RestorePlan {
  const bases = streams.map(baseOf).filter((base) => base !== undefined);
  const laid: LaidStream[] = [];
  const leftOut: string[] = [];
  for (const stream of streams) {
    const laying = layingOf(stream, bases);
    if (laying !== undefined) laid.push({ session: stream.session, stream: stream.name, laying });
    else if (stream.session === session) leftOut.push(stream.name);
  }
  return {
    streams: laid,
    leftOut,
    commands: [resumeCommand(session, cwd)],
    isRunnable: true,
    notes: [],
  };
}

function layingOf(stream: StoredStream, bases: readonly HistoryBase[]): Laying | undefined {
  const segment = stream.name.startsWith(segments) ? stream.name.slice(segments.length) : undefined;
  const isRollout = stream.name === '' || (segment !== undefined && isUuid(segment));
  if (!isRollout || !isUuid(stream.session)) return undefined;
  const start = startOf(stream.firstLine);
  if (start === undefined) return unreadableStart;
  const path = pathOf(start, stream.session, segment);
  const ends = bases.filter(
    (base) => base.session === stream.session && base.stream === stream.name,
  );
  return ends.length === 0 ? wholeStream(path) : new FittedRows(path, ends);
}

/** Codex gives up on a rollout whose first row it cannot read. */
const unreadableStart: Laying = {
  line: () => [],
  problem: () => ({
    kind: 'damaged',
    text: 'its first row does not say when it was begun',
    hint: 'Restore it with --as-new, or hand it on with "tracecraft session brief".',
  }),
};

function pathOf(start: string, thread: string, segment?: string): readonly string[] {
  const [year = '', month = '', day = ''] = start.slice(0, 10).split('-');
  const suffix = segment === undefined ? '' : `_${segment}`;
  return ['sessions', year, month, day, `rollout-${start}-${thread}${suffix}.jsonl`];
}

/** What the thread continues is taken in, so that the copy stands by itself. */
function asNew({ session, id, cwd, streams }: RestoreRequest): RestorePlan {
  const current = currentStream(streams.filter((stream) => stream.session === session));
  const start = startOf(current?.firstLine ?? Buffer.alloc(0)) ?? '1970-01-01T00-00-00';
  const copy = new CopiedItems(pathOf(start, id), id, cwd);
  const pieces = current === undefined ? [] : historyOf(current, streams);
  const taken = new Set(pieces.map(({ stream }) => stream));
  const own = streams.filter((stream) => stream.session === session);
  return {
    streams: pieces.map(({ stream, endOrdinal }) => ({
      session: stream.session,
      stream: stream.name,
      laying: copy.piece(endOrdinal),
    })),
    leftOut: own.filter((stream) => !taken.has(stream)).map(({ name }) => name),
    commands: [resumeCommand(id, cwd)],
    isRunnable: true,
    notes: [],
  };
}

/** After a revert, the segment that was begun last. */
function currentStream(own: readonly StoredStream[]): StoredStream | undefined {
  const rollouts = own.filter(({ name }) => name === '' || name.startsWith(segments));
  const started = (stream: StoredStream): string => startOf(stream.firstLine) ?? '';
  return [...rollouts].sort((left, right) => (started(left) < started(right) ? 1 : -1))[0];
}

interface Piece {
  readonly stream: StoredStream;
  readonly endOrdinal: number;
}

/** Oldest first. Whoever gathered the streams has refused circles; here one just ends. */
function historyOf(current: StoredStream, streams: readonly StoredStream[]): readonly Piece[] {
  const pieces: Piece[] = [];
  let [stream, endOrdinal]: [StoredStream | undefined, number] = [current, Infinity];
  while (stream !== undefined && pieces.length <= streams.length) {
    pieces.unshift({ stream, endOrdinal });
    const base = baseOf(stream);
    if (base === undefined) break;
    endOrdinal = Math.min(endOrdinal, base.endOrdinal);
    stream = streams.find((one) => one.session === base.session && one.name === base.stream);
  }
  return pieces;
}

function resumeCommand(id: string, cwd: string): readonly string[] {
  return ['codex', 'resume', id, '-C', cwd, ...safeFlags];
}
