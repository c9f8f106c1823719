import { resolve } from 'node:path';
import { requireHarness } from '../../watchers/names.js';
import { createWatchers } from '../../watchers/registry.js';
import { openMirroring } from '../app/mirroring.js';
import type { Bucket } from '../bucket/bucket.js';
import { systemClock } from '../clock.js';
import { NotFoundError, PartialError, UsageError } from '../errors.js';
import { nodeIo } from '../io.js';
import { requireKept } from '../mirror/removal/record.js';
import type { Watcher } from '../mirror/stream.js';
import { noEvents } from '../mirror/watch/file-events.js';
import { everything, newestSession, sessionsHere } from '../mirror/watch/selection.js';
import { bucketLayout } from '../protocol/keys.js';
import { referred } from '../sessions/reference.js';
import { type SdkEnvironment, textOf } from './environment.js';
import type { MirroredSession, MirrorOptions } from './session-types.js';

export interface MirrorPlace extends SdkEnvironment {
  readonly bucket: Bucket;
  warn(message: string): void;
}

/** Mirrors one session of this machine with the same code as `session mirror`. */
export async function mirrorSession(
  place: MirrorPlace,
  options: MirrorOptions,
): Promise<MirroredSession> {
  const { settings, bucket, warn } = place;
  const { name: harness } = requireHarness(textOf('harness', options?.harness));
  const watchers = await watchersOf(place, harness);
  const cwd = resolve(place.cwd, options.cwd ?? '.');
  const sessionId =
    options.sessionId === undefined
      ? await newest(watchers, cwd)
      : await only(watchers, textOf('sessionId', options.sessionId));
  const layout = bucketLayout(settings.project);
  await requireKept({ bucket, layout }, { harness, id: sessionId });
  let parts = 0;
  const { loop } = openMirroring({
    settings,
    bucket,
    watchers,
    selection: { ...everything, sessionId },
    events: noEvents,
    isPolling: false,
    isThorough: true,
    isGuest: true,
    intervalMs: undefined,
    output: {
      ...silent,
      part: () => {
        parts += 1;
      },
      trouble: (error) => warn(error.message),
      note: warn,
    },
  });
  const end = await loop.once(new AbortController().signal);
  const [first] = end.behind;
  if (first === undefined) return { sessionId, harness, parts };
  throw new PartialError(`not all of it is in the bucket: ${first.source}: ${first.reason}`, {
    hint: 'Mirror it again: it continues where it stopped.',
  });
}

const silent = {
  taken: () => undefined,
  sessions: () => undefined,
  generation: () => undefined,
  compacted: () => undefined,
  well: () => undefined,
  close: () => undefined,
};

function watchersOf(
  { env, home, warn }: MirrorPlace,
  harness: string,
): Promise<readonly Watcher[]> {
  const onUnreadable = (error: Error): void => warn(error.message);
  return createWatchers({ io: nodeIo, clock: systemClock, env, home, onUnreadable }, [harness]);
}

async function newest(watchers: readonly Watcher[], cwd: string): Promise<string> {
  const id = (await newestSession(watchers, cwd))?.session.id;
  if (id !== undefined) return id;
  throw new NotFoundError(`no such session was started in ${cwd}`, {
    hint: 'Name one with sessionId, or another folder with cwd.',
  });
}

async function only(watchers: readonly Watcher[], begin: string): Promise<string> {
  const sessions = referred(begin, await sessionsHere(watchers));
  const ids = [...new Set(sessions.map(({ id }) => id))];
  const [id] = ids;
  if (id === undefined) throw new NotFoundError(`no session ${begin} on this machine`);
  if (ids.length === 1) return id;
  throw new UsageError(`${begin} could be any of: ${ids.slice(0, 5).join(', ')}`);
}
