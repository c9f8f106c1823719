import {
  type Position,
  type Stream,
  startPosition,
  type Watcher,
} from '../../../src/mirror/stream.js';
import { type Event, lineOf } from '../../support/openclaw-database.js';
import { allStreams } from '../contract.js';
import { chunkOf, joined } from '../reading.js';

/** The one stream that there is. */
export async function theOnly(watcher: Watcher): Promise<Stream> {
  const [stream, ...others] = await allStreams(watcher);
  if (stream === undefined || others.length > 0) throw new Error(`${others.length + 1} streams`);
  return stream;
}

export async function textOf(stream: Stream, from: Position = startPosition): Promise<string> {
  return joined(await chunkOf(stream, from)).toString();
}

export function linesOf(...events: readonly Event[]): string {
  return events.map(lineOf).join('');
}
