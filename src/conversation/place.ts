import type { Fork, Spawn } from './conversation.js';
import type { Tell } from './row.js';

/** Which stream is read, and what is known about it from elsewhere. */
export interface Place {
  readonly session: string;
  /** '' is the session's main stream. */
  readonly stream: string;
  /** A name the harness stores outside the transcript. */
  readonly named?: string;
  /** Who started it and with what words, if a sub-agent's caller is known. */
  readonly spawned?: Spawn & { readonly description?: string };
  /** Row ids of the session this one was forked from. */
  readonly parentRowIds?: ReadonlySet<string>;
}

/**
 * Who started the conversation: the caller's record takes precedence over the conversation's own
 * rows.
 */
export function spawnIn({ spawned }: Place, tells: readonly Tell[]): Spawn | undefined {
  if (spawned === undefined) return tells.findLast((tell) => tell.kind === 'spawn')?.by;
  const { description: _description, ...spawn } = spawned;
  return spawn;
}

export function forkIn(tells: readonly Tell[]): Fork | undefined {
  return tells.findLast((tell) => tell.kind === 'fork')?.from;
}
