import type { Conversation, Turn } from '../conversation/conversation.js';
import { NotFoundError } from '../errors.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import { readTail, tailOfChain } from '../mirror/slots/tail.js';
import type { SessionStore } from '../sessions/conversation.js';
import { lastTurns, turnAround } from './conversation-lines.js';
import { plural } from './format.js';

/** The last turns of a transcript, where they can be read without the others. */
export async function shortTail(
  store: SessionStore,
  session: ListedSession,
  { tail, stream }: { readonly tail?: number | undefined; readonly stream: string },
): Promise<readonly Turn[] | undefined> {
  if (tail === undefined || stream !== '') return undefined;
  const { readLastTurns } = await import('../sessions/last-turns.js');
  return readLastTurns(store, session, tail);
}

/** Its number takes all turns before it to know; the line that it begins with does not. */
export function byLine({ number: _number, ...turn }: Turn): object {
  return { line: turn.entries[0]?.rows[0] ?? null, ...turn };
}

/** Whether all of it was asked for. */
export function isWhole({
  all,
  tail,
  turn,
  around,
}: TurnFlags & { readonly all: boolean }): boolean {
  return all && [tail, turn, around].every((one) => one === undefined);
}

interface TurnFlags {
  readonly tail?: number | undefined;
  readonly turn?: number | undefined;
  readonly around?: number | undefined;
}

export function lastLines(
  { bucket, layout }: SessionStore,
  session: ListedSession,
  stream: string,
  count: number,
): Promise<readonly Buffer[]> {
  return stream === ''
    ? readTail(bucket, layout, session, count)
    : tailOfChain(bucket, layout.stream(session.harness, session.id, stream), count);
}

export function turnsAsked(conversation: Conversation, { tail, turn, around }: TurnFlags) {
  if (tail !== undefined) return lastTurns(conversation, tail);
  if (turn === undefined && around === undefined) return conversation.turns;
  const found =
    turn === undefined
      ? turnAround(conversation, around ?? 0)
      : conversation.turns.filter(({ number }) => number === turn);
  if (found.length > 0) return found;
  const what = turn === undefined ? `line ${around}` : `turn ${turn}`;
  throw new NotFoundError(`no ${what} in this conversation`, {
    hint: `It has ${plural(conversation.turns.length, 'turn')}.`,
  });
}
