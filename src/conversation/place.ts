import type { Fork, Spawn } from './conversation.js';
import type { Tell } from './row.js';

/** Which stream is read, and what is known of it from elsewhere. */
export interface Place {
  readonly session: string;
  /** '' is the session's main stream. */
  readonly stream: string;
  /** A name that the harness keeps outside of the transcript. */
  readonly named?: string;
  /** Who began it, and with what words: told where a sub-agent's caller is known. */
  readonly spawned?: Spawn & { readonly description?: string };
  /** Ids of the rows of the session that this one was forked from. */
  readonly parentRowIds?: ReadonlySet<string>;
}

/** Who began the conversation: its caller is believed before its own rows. */
export function spawnIn({ spawned }: Place, tells: readonly Tell[]): Spawn | undefined {
  if (spawned === undefined) return tells.findLast((tell) => tell.kind === 'spawn')?.by;
  const { description: _description, ...spawn } = spawned;
  return spawn;
}

export function forkIn(tells: readonly Tell[]): Fork | undefined {
  return tells.findLast((tell) => tell.kind === 'fork')?.from;
}
