import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Conversation } from '../../src/conversation/conversation.js';
import { fields, word } from '../../src/conversation/fields.js';
import { headOf, withChildren } from '../../src/conversation/join.js';
import type { Place } from '../../src/conversation/place.js';
import { readerOf } from '../../watchers/readers.js';
import { type FixtureStream, sharedFolder } from '../support/fixture-streams.js';

/** One stream by itself. */
export function conversationOf(
  { harness, session, stream, lines }: FixtureStream,
  known: Partial<Place> = {},
): Conversation {
  const fold = readerOf(harness)?.open({ session, stream, ...known });
  if (fold === undefined) throw new Error(`no reader for ${harness}`);
  for (const [line, text] of lines.entries()) fold.row(text, line);
  return fold.state();
}

/** One stream with what only its tree tells: its name, its parent, its children. */
export function joinedConversation(
  stream: FixtureStream,
  streams: readonly FixtureStream[],
): Conversation {
  const beside = streams.filter(({ tree }) => tree === stream.tree);
  const alone = conversationOf(stream);
  const parent = beside.find(({ session }) => session === alone.forkedFrom?.session);
  const named = namesIn(stream.tree).get(stream.session);
  const conversation = conversationOf(stream, {
    ...(parent === undefined ? {} : { parentRowIds: rowIdsIn(parent) }),
    ...(named === undefined ? {} : { named }),
  });
  const heads = beside.map((one) => headOf(conversationOf(one)));
  return withChildren(
    conversation,
    heads.filter((head) => head !== undefined),
  );
}

function rowIdsIn({ lines }: FixtureStream): ReadonlySet<string> {
  const ids = lines.map((line) => word(fields(JSON.parse(line)).id));
  return new Set(ids.filter((id) => id !== undefined));
}

/** Codex keeps the names of threads beside their rollouts. */
function namesIn(tree: string): ReadonlyMap<string, string> {
  if (!tree.endsWith('/codex')) return new Map();
  let index: string;
  try {
    index = readFileSync(join(sharedFolder, 'fixtures', tree, 'session_index.jsonl'), 'utf8');
  } catch {
    return new Map();
  }
  const names = new Map<string, string>();
  for (const line of index.trimEnd().split('\n')) {
    const { id, thread_name: name } = fields(JSON.parse(line));
    if (typeof id === 'string' && typeof name === 'string') names.set(id, name);
  }
  return names;
}
