import type { Conversation, Entry } from '../../src/conversation/conversation.js';
import { entriesOf } from '../../src/conversation/conversation.js';
import type { Place } from '../../src/conversation/place.js';
import { readerOf } from '../../watchers/readers.js';

type Row = Readonly<Record<string, unknown>>;

/** What rows of a harness amount to; the line of each is its place among them. */
export function fold(
  harness: string,
  rows: readonly Row[],
  place: Partial<Place> = {},
): Conversation {
  const reader = readerOf(harness);
  if (reader === undefined) throw new Error(`no reader for ${harness}`);
  const folding = reader.open({ session: 's', stream: '', ...place });
  for (const [line, row] of rows.entries()) folding.row(JSON.stringify(row), line);
  return folding.state();
}

/** Entries of one kind, as they are told apart in a test. */
export function those<Kind extends Entry['kind']>(
  conversation: Conversation,
  kind: Kind,
): readonly Extract<Entry, { readonly kind: Kind }>[] {
  return entriesOf(conversation).filter(
    (entry): entry is Extract<Entry, { readonly kind: Kind }> => entry.kind === kind,
  );
}

/** One entry of a kind; fails when there are none or more. */
export function that<Kind extends Entry['kind']>(
  conversation: Conversation,
  kind: Kind,
): Extract<Entry, { readonly kind: Kind }> {
  const [entry, ...more] = those(conversation, kind);
  if (entry === undefined || more.length > 0) throw new Error(`not one ${kind}`);
  return entry;
}

export function kindsOf(conversation: Conversation): readonly string[] {
  return entriesOf(conversation).map(({ kind }) => kind);
}

export function promptsOf(conversation: Conversation): readonly string[] {
  return those(conversation, 'prompt').map(({ text }) => text);
}
