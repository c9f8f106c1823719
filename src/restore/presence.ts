import type { HarnessResume } from '../../watchers/resume.js';
import type { Bucket } from '../bucket/bucket.js';
import { LostError, PartialError } from '../errors.js';
import { type Verdict, verifyStream } from '../mirror/slots/verify.js';
import { type LineStream, type Stream, startPosition, type Watcher } from '../mirror/stream.js';
import type { ChosenStream } from './lineage.js';

/** What this machine (or the folder restored into) has of some sessions. */
export interface Presence {
  readonly watcher: Watcher;
  /** By session. */
  readonly streams: ReadonlyMap<string, readonly Stream[]>;
  readonly live: ReadonlySet<string>;
}

export async function lookHere(watcher: Watcher, sessions: ReadonlySet<string>): Promise<Presence> {
  const streams = new Map<string, Stream[]>();
  for (const root of await watcher.roots()) {
    for await (const some of watcher.streams(root)) {
      for (const stream of some) {
        const { id } = stream.session;
        if (sessions.has(id)) streams.set(id, [...(streams.get(id) ?? []), stream]);
      }
    }
  }
  return { watcher, streams, live: await watcher.live() };
}

/** The source of a session's transcript here; two of them, or one that is in use, are not touched. */
export function transcriptHere(presence: Presence, session: string): Stream | undefined {
  const mains = (presence.streams.get(session) ?? []).filter(({ name }) => name === '');
  const [main, other] = mains;
  if (other !== undefined) {
    const places = mains.map(({ source }) => source).join(' and ');
    throw new LostError(`session ${session} is here twice: ${places}`, {
      hint: 'Its harness would take either. Move one of them away first.',
    });
  }
  if (main !== undefined && presence.live.has(session)) {
    throw new LostError(`session ${session} is running here`, {
      hint: 'End it first, or restore a copy with --as-new.',
    });
  }
  return main;
}

/** Compares the transcript here with the chain, as `session verify` does. */
export async function compareHere(
  bucket: Bucket,
  main: Stream,
  { listing, session }: ChosenStream,
): Promise<Verdict> {
  const verdict = await verifyStream(bucket, listing.prefix, main);
  if (verdict.state === 'differs' || verdict.state === 'missing') {
    throw new LostError(`session ${session} is here and went another way: ${main.source}`, {
      hint: 'It was left as it is. Restore a copy with --as-new, or elsewhere with --into.',
    });
  }
  if (verdict.state !== 'unreadable') return verdict;
  throw new PartialError(`session ${session} is here and cannot be read: ${main.source}`, {
    hint: verdict.problem ?? 'Look at its permissions.',
  });
}

/** Whether what is laid from the file here would be that file: other threads name offsets in it. */
export async function fitsHere(
  resume: HarnessResume,
  main: LineStream,
  session: string,
  streams: readonly ChosenStream[],
): Promise<boolean> {
  const plan = resume.plan({
    mode: 'verbatim',
    session,
    id: session,
    cwd: '/',
    folder: '/',
    streams,
  });
  const laid = plan.streams.find((one) => one.session === session && one.stream === '');
  if (laid?.laying.measure === undefined) return true;
  const { laying } = laid;
  for await (const line of linesOf(main)) laying.measure?.(line);
  if (laying.problem?.() !== undefined) return false;
  for await (const line of linesOf(main)) {
    if (!laying.line(line).every(({ bytes }) => bytes.equals(line))) return false;
  }
  return true;
}

const readBytes = 4 << 20;

async function* linesOf(stream: LineStream): AsyncIterable<Buffer> {
  for (let position = startPosition; ; ) {
    const chunk = await stream.read(position, { bytes: readBytes });
    if (chunk === 'moved' || chunk === 'gone') return;
    for (const line of chunk.lines) if (Buffer.isBuffer(line)) yield line;
    if (!chunk.more) return;
    position = chunk.next;
  }
}
