import { type Conversation, entriesOf } from '../conversation/conversation.js';
import { withSpilledResults } from '../conversation/join.js';
import type { Reader } from '../conversation/reader.js';
import { readLines } from '../mirror/slots/session-streams.js';
import type { SessionRef } from '../mirror/stream.js';
import type { SessionStore } from './conversation.js';
import { foldLines } from './fold-lines.js';

/** The stream of results that were too long for a transcript. */
const spilledStream = 'tool-results';

/** Whether a conversation has results whose text is elsewhere. */
function hasSpilled(conversation: Conversation): boolean {
  return entriesOf(conversation).some(
    (entry) =>
      (entry.kind === 'call' || entry.kind === 'result') && entry.result?.spilled !== undefined,
  );
}

/** The conversation with the whole text of its results; the stream that has them is read only if one is needed. */
export async function withWholeResults(
  { bucket, layout }: SessionStore,
  reader: Reader,
  { harness, id }: SessionRef,
  conversation: Conversation,
): Promise<Conversation> {
  if (!hasSpilled(conversation)) return conversation;
  const place = { session: id, stream: spilledStream };
  const lines = readLines(bucket, layout.stream(harness, id, spilledStream));
  return withSpilledResults(conversation, await foldLines(lines, reader, place));
}
