import { createHash } from 'node:crypto';
import type {
  HarnessResume,
  RestoreMode,
  RestorePlan,
  RestoreRequest,
} from '../../watchers/resume.js';
import { LostError, NotAllowedError, NotFoundError, UsageError } from '../errors.js';
import type { Io } from '../io.js';
import type { Watcher } from '../mirror/stream.js';
import type { MetaDocument } from '../protocol/documents.js';
import { catchUp } from './catch-up.js';
import type { RestoreDisk } from './disk.js';
import { type Laid, layAside, notOurs } from './lay.js';
import { type ChosenStream, gatherStreams, type RestoreSource } from './lineage.js';
import { compareHere, fitsHere, lookHere, transcriptHere } from './presence.js';
import { type Proof, proveOwn } from './proof.js';
import { type PlacedFile, Staging } from './staging.js';

export interface RestoreOptions {
  readonly source: RestoreSource;
  readonly resume: HarnessResume;
  /** Looks at what is in `folder` now. */
  readonly watcher: Watcher;
  readonly disk: RestoreDisk;
  readonly io: Io;
  readonly session: string;
  readonly meta: MetaDocument | undefined;
  /** Undefined: verbatim if this machine's own state proves that it wrote all of it, else as new. */
  readonly mode: RestoreMode | undefined;
  readonly generation: number | undefined;
  /** Sessions to restore with it, because they continue the same ones; present if all are restored. */
  readonly also?: readonly string[] | undefined;
  /** Where it will be resumed. */
  readonly cwd: string;
  /** Where it will be resumed instead, if its harness has it already. */
  readonly cwdIfHere?: string | undefined;
  /** The harness's folder to restore into. */
  readonly folder: string;
  /** This machine's state of the bucket; undefined: nothing can be proven. */
  readonly stateFolder: string | undefined;
  readonly isForced: boolean;
  /** Looks and reads, and writes nothing. */
  readonly isDryRun: boolean;
  /** Names the folder in which files are written aside; what is in it is removed first. */
  readonly unique: string;
  readonly onBytes: (bytes: number) => void;
}

export interface Restored {
  readonly state: 'restored' | 'caught-up' | 'already-here';
  readonly mode: RestoreMode;
  readonly id: string;
  /** The folder in which it is resumed. */
  readonly cwd: string;
  readonly generation: number;
  readonly lines: number;
  readonly files: readonly PlacedFile[];
  readonly redactions: ReadonlyMap<string, number>;
  readonly isSignedTextRedacted: boolean;
  /** The sessions whose history it continues. */
  readonly continued: readonly string[];
  readonly plan: Pick<RestorePlan, 'commands' | 'isRunnable' | 'leftOut' | 'notes'>;
}

/** Lays one session back so that its harness resumes it, or says why not; nothing is half done when it throws. */
export async function restoreSession(options: RestoreOptions): Promise<Restored> {
  const { source, resume, session, generation } = options;
  const streams = await gatherStreams(source, resume, session, {
    generation,
    also: options.also,
  });
  const main = streams.find((stream) => stream.session === session && stream.name === '');
  if (main === undefined) {
    throw new NotFoundError(`nothing of the transcript of ${session} is in the bucket`, {
      hint: '"tracecraft session verify" on the machine that has it says why.',
    });
  }
  const gathered = { streams, main };
  const { mode, proof } = await chooseMode(options, streams);
  requireMode(options, mode);
  if (mode === 'as-new') return layAnew(options, gathered);
  const here = await settleHere(options, gathered);
  if (here.settled !== undefined) return here.settled;
  if (proof === undefined) await requireQuiet(options, streams);
  const laid = await lay(options, gathered, { mode, proof, skipped: here.skipped });
  return laid === notOurs ? layAnew(options, gathered) : laid;
}

interface Gathered {
  readonly streams: readonly ChosenStream[];
  readonly main: ChosenStream;
}

async function chooseMode(
  { mode, resume, stateFolder, io, source, session }: RestoreOptions,
  streams: readonly ChosenStream[],
): Promise<{ readonly mode: RestoreMode; readonly proof: Proof | undefined }> {
  if (mode !== undefined) return { mode, proof: undefined };
  const isPossible = resume.modes.includes('verbatim') && resume.isId(session);
  const proof =
    isPossible && stateFolder !== undefined
      ? await proveOwn(io, stateFolder, source.harness, streams)
      : undefined;
  return { mode: proof === undefined ? 'as-new' : 'verbatim', proof };
}

function requireMode({ resume, source, session }: RestoreOptions, mode: RestoreMode): void {
  if (!resume.modes.includes(mode)) {
    throw new UsageError(`a session of ${source.harness} can only be restored as a new one`, {
      hint: 'Leave out --verbatim.',
    });
  }
  if (mode === 'as-new' || resume.isId(session)) return;
  throw new NotAllowedError(
    `${source.harness} gives no session such an id: ${JSON.stringify(session.slice(0, 80))}`,
    { hint: 'It cannot become a file name. Restore a copy with --as-new.' },
  );
}

const quietMs = 10 * 60_000;

/** A transcript that two machines go on with splits in two. */
async function requireQuiet(
  { source: { bucket }, session, meta, isForced }: RestoreOptions,
  streams: readonly ChosenStream[],
): Promise<void> {
  if (isForced || (meta?.ended_at ?? null) !== null) return;
  const own = streams.filter((stream) => stream.session === session);
  const times = own.flatMap(({ listing }) =>
    [...listing.parts.values()].map(({ modifiedAt }) => modifiedAt.getTime()),
  );
  const lastMs = times.reduce((latest, at) => Math.max(latest, at), 0);
  const ageMs = (await bucket.now()).getTime() - lastMs;
  if (ageMs >= quietMs) return;
  const where = meta?.host ?? 'another machine';
  throw new LostError(
    `session ${session} may still be running on ${where}: it wrote ${Math.max(0, Math.round(ageMs / 60_000))} min ago`,
    { hint: 'End it there first. --force restores it all the same; --as-new restores a copy.' },
  );
}

interface Here {
  /** Present if there is nothing left to do. */
  readonly settled: Restored | undefined;
  /** Sessions that are here as they should be. */
  readonly skipped: ReadonlySet<string>;
}

async function settleHere(options: RestoreOptions, gathered: Gathered): Promise<Here> {
  const { streams, main } = gathered;
  const { session, source, watcher, resume } = options;
  const presence = await lookHere(watcher, new Set(streams.map((one) => one.session)));
  const own = transcriptHere(presence, session);
  if (own !== undefined) {
    const verdict = await compareHere(source.bucket, own, main);
    const cwd = options.cwdIfHere ?? options.cwd;
    const files = [{ path: own.source, bytes: 0, state: 'kept' as const }];
    const done = (state: Restored['state'], lines: number): Here => ({
      settled: {
        ...bare(options, gathered),
        state,
        lines,
        files,
        cwd,
        plan: { ...planOf({ ...options, cwd }, gathered), leftOut: [] },
      },
      skipped: new Set(),
    });
    if (verdict.state !== 'ahead') return done('already-here', verdict.sourceLines);
    if (options.isDryRun) return done('caught-up', verdict.sourceLines);
    const after = await catchUp(source.bucket, options.disk, own, main, verdict);
    return done('caught-up', after.sourceLines);
  }
  const skipped = new Set<string>();
  for (const base of streams) {
    if (base.session === session || base.name !== '') continue;
    const there = transcriptHere(presence, base.session);
    if (there === undefined) continue;
    const { state } = await compareHere(source.bucket, there, base);
    const isWhole = state === 'ok' || state === 'behind';
    const fits =
      isWhole && there.kind === 'lines' && (await fitsHere(resume, there, base.session, streams));
    if (!fits) throw otherAncestor(session, base.session, there.source);
    skipped.add(base.session);
  }
  return { settled: undefined, skipped };
}

function otherAncestor(session: string, ancestor: string, path: string): LostError {
  return new LostError(
    `session ${session} continues ${ancestor}, which is here in another form: ${path}`,
    { hint: 'It was left as it is. Restore with --as-new, or all of it elsewhere with --into.' },
  );
}

function bare({ session, cwd }: RestoreOptions, { streams, main }: Gathered) {
  const continued = streams.map((one) => one.session).filter((id) => id !== session);
  return {
    mode: 'verbatim' as const,
    id: session,
    cwd,
    generation: main.generation,
    redactions: new Map<string, number>(),
    isSignedTextRedacted: false,
    continued: [...new Set(continued)],
  };
}

function planOf(
  { resume, session, cwd, folder }: RestoreOptions,
  { streams }: Gathered,
): RestorePlan {
  return resume.plan({ mode: 'verbatim', session, id: session, cwd, folder, streams });
}

async function layAnew(options: RestoreOptions, gathered: Gathered): Promise<Restored> {
  const how = { mode: 'as-new' as const, proof: undefined, skipped: new Set<string>() };
  const laid = await lay(options, gathered, how);
  if (laid === notOurs) throw new Error('nothing had to be proven');
  return laid;
}

interface How {
  readonly mode: RestoreMode;
  readonly proof: Proof | undefined;
  readonly skipped: ReadonlySet<string>;
}

async function lay(
  options: RestoreOptions,
  gathered: Gathered,
  { mode, proof, skipped }: How,
): Promise<Restored | typeof notOurs> {
  const { source, resume, session, cwd, folder, disk, isDryRun } = options;
  const { streams, main } = gathered;
  const id = mode === 'verbatim' ? session : copyId(options, streams);
  const isOneOfMany = options.also !== undefined;
  const request: RestoreRequest = { mode, session, id, cwd, folder, streams, isOneOfMany };
  const plan = resume.plan(request);
  const wanted = { ...plan, streams: plan.streams.filter((one) => !skipped.has(one.session)) };
  const staging = await Staging.open(disk, await disk.root(folder), options.unique);
  try {
    const laid = await layAside({
      bucket: source.bucket,
      streams,
      plan: wanted,
      staging,
      isVerbatim: mode === 'verbatim',
      proof,
      isForced: options.isForced,
      onBytes: options.onBytes,
    });
    if (laid === notOurs) return notOurs;
    requireRows(options, linesOf(laid, session), staging.files);
    const files = await (isDryRun ? staging.look() : staging.place());
    const isThere = files.every(({ state }) => state === 'kept');
    const { redactions, isSignedTextRedacted } = laid;
    return {
      ...bare(options, gathered),
      state: isThere ? 'already-here' : 'restored',
      mode,
      id,
      generation: main.generation,
      lines: linesOf(laid, session),
      files,
      redactions,
      isSignedTextRedacted,
      plan,
    };
  } finally {
    await staging.close();
  }
}

/** No harness resumes a session without a row. */
function requireRows({ session }: RestoreOptions, lines: number, files: number): void {
  if (lines === 0) throw new NotFoundError(`session ${session} has no rows`);
  if (files > 0) return;
  throw new NotFoundError(`nothing was said in session ${session} that a copy could hold`, {
    hint: '--verbatim restores its rows as they are; "tracecraft session show --all" prints them.',
  });
}

function linesOf({ lines }: Laid, session: string): number {
  return lines.get(`${session}/`) ?? 0;
}

/** The same copy has the same id, so that an interrupted restore goes on and a second one finds the first. */
function copyId(
  { source, resume, session, cwd }: RestoreOptions,
  streams: readonly ChosenStream[],
): string {
  const parts = streams.map(({ listing, generation }) => [
    generation,
    [...listing.parts.values()].map(({ key, size }) => [key, size]),
  ]);
  const text = JSON.stringify([source.harness, session, cwd, parts]);
  const digest = createHash('sha256').update(text).digest('hex');
  const variant = '89ab'[Number.parseInt(digest.slice(16, 17), 16) % 4];
  const uuid = [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `4${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-');
  return resume.idOf?.(uuid) ?? uuid;
}
