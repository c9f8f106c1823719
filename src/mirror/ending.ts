import type { Watched } from './drainer.js';

/** What is not in the bucket when the loop ends. */
export interface Ending {
  readonly behind: readonly Unfinished[];
  /** Unterminated last lines: they wait for their newline, and are not counted as behind. */
  readonly rests: readonly Rest[];
}

export interface Unfinished {
  readonly session: string;
  readonly stream: string;
  readonly source: string;
  readonly reason: string;
}

export interface Rest {
  readonly source: string;
  readonly bytes: number;
}

export function endingOf(all: Iterable<Watched>): Ending {
  const watched = [...all];
  const behind = watched
    .filter(({ failure, isFlushing, pace }) => {
      return failure !== undefined || isFlushing || pace.dueAtMs !== undefined;
    })
    .map(({ track, failure }) => ({
      session: track.session.ref.id,
      stream: track.name,
      source: track.mirror.source.source,
      reason: failure?.message ?? 'there was no time left to send it',
    }));
  const rests = watched
    .filter(({ rest }) => rest > 0)
    .map(({ track, rest }) => ({ source: track.mirror.source.source, bytes: rest }));
  return { behind, rests };
}
