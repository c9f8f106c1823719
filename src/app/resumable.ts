import { createWatchers, loadResume } from '../../watchers/registry.js';
import { systemClock } from '../clock.js';
import { nodeIo } from '../io.js';
import type { SessionRef } from '../mirror/stream.js';
import { sessionsHere } from '../mirror/watch/selection.js';

/**
 * How a mirrored session can be gone on with from this machine: its harness has it here; it can be restored; or it can be
 * restored as a copy only.
 */
export type Resumable = 'here' | 'restore' | 'as new';

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** By `harness/id`. One look at the harnesses' folders, however many sessions. */
export async function resumableHere(
  sessions: readonly SessionRef[],
  { env, home }: Surroundings,
): Promise<ReadonlyMap<string, Resumable>> {
  const harnesses = [...new Set(sessions.map(({ harness }) => harness))];
  const watchers = await createWatchers({ io: nodeIo, clock: systemClock, env, home }, harnesses);
  const here = new Set((await sessionsHere(watchers)).map(keyOf));
  const ways = new Map<string, Resumable>();
  for (const harness of harnesses) {
    const { modes } = await loadResume(harness);
    const way = modes.includes('verbatim') ? 'restore' : 'as new';
    for (const key of sessions.filter((one) => one.harness === harness).map(keyOf)) {
      ways.set(key, here.has(key) ? 'here' : way);
    }
  }
  return ways;
}

function keyOf({ harness, id }: SessionRef): string {
  return `${harness}/${id}`;
}
