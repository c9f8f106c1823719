import type { Watched } from './stream-uploader.js';

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
    .map((one) => ({ source: one.track.mirror.source.source, bytes: restOf(one) }))
    .filter(({ bytes }) => bytes > 0);
  return { behind, rests };
}

/** Of a file that was not read again, what lies beyond its shipped lines is its rest. */
function restOf({ rest, seen, track }: Watched): number {
  const { head, source, look } = track.mirror;
  const isAsShipped =
    source.kind === 'lines' && head?.ahead === false && look?.token === seen?.token;
  if (rest > 0 || !isAsShipped || seen === undefined) return rest;
  const shipped = head.parts.reduce((sum, part) => sum + part.sourceBytes, 0);
  return Math.max(0, seen.size - shipped);
}
