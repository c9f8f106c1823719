import type { UploadState } from './upload-state.js';

/** What is not in the bucket when the loop ends. */
export interface WatchSummary {
  readonly behind: readonly Unfinished[];
  /** Unterminated last lines: they wait for their newline, and do not count as behind. */
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

/** `unplaced` may belong here as well: nobody can tell. */
export function summaryOf(
  all: Iterable<UploadState>,
  unplaced: readonly Unfinished[] = [],
): WatchSummary {
  const states = [...all];
  const rests: Rest[] = [];
  for (const state of states) {
    const bytes = restOf(state);
    if (bytes > 0) rests.push({ source: state.mirrored.mirror.source.source, bytes });
  }
  return { behind: [...behindOf(states), ...unplaced], rests };
}

export function behindOf(states: Iterable<UploadState>): readonly Unfinished[] {
  const behind: Unfinished[] = [];
  for (const { isBehind, failure, mirrored } of states) {
    if (!isBehind) continue;
    const { source } = mirrored.mirror.source;
    const reason = failure?.message ?? 'there was no time left to send it';
    behind.push({ session: mirrored.session.ref.id, stream: mirrored.name, source, reason });
  }
  return behind;
}

/** For a file that was not read again, everything beyond its uploaded lines is its unterminated rest. */
export function restOf({ rest, seen, mirrored }: UploadState): number {
  const { checkpoint, source, snapshot } = mirrored.mirror;
  const isAsShipped =
    source.kind === 'lines' && checkpoint?.ahead === false && snapshot?.token === seen?.token;
  if (rest > 0 || !isAsShipped || seen === undefined) return rest;
  const shipped = checkpoint.parts.reduce((sum, part) => sum + part.sourceBytes, 0);
  return Math.max(0, seen.size - shipped);
}
