import { type SearchInput, type SessionHits, scanSessions } from '../search/scan.js';
import { listDated, listIndexed } from '../sessions/indexed.js';
import { shortIds } from '../sessions/reference.js';

/**
 * Searches the transcripts of a project. In a folder the order of the sessions is all that has to be known of them before
 * the first is read; of those in a store also their sizes, since many are read at once.
 */
export function searchSessions(
  input: Omit<SearchInput, 'listed' | 'shortIds'>,
): AsyncGenerator<SessionHits> {
  const listed = input.bucket.kind === 'local' ? listDated : listIndexed;
  return scanSessions({ ...input, listed, shortIds });
}
