import type { Conversation } from '../conversation/conversation.js';
import type { Place } from '../conversation/place.js';
import type { Reader } from '../conversation/reader.js';

/** Lines, batch by batch, as one conversation. */
export async function foldLines(
  batches: AsyncIterable<readonly Buffer[]>,
  reader: Reader,
  place: Place,
): Promise<Conversation> {
  const conversation = reader.open(place);
  let number = 0;
  for await (const lines of batches) {
    for (const line of lines) {
      conversation.row(line.toString('utf8').replace(/\n$/, ''), number);
      number += 1;
    }
  }
  return conversation.state();
}
