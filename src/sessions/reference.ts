import type { SessionRef } from '../mirror/stream.js';

/** Shorter ones are too likely to match something else by chance. */
const shortest = 4;

/**
 * The sessions an argument may refer to by id: a full id, its beginning, or its end, which is what
 * distinguishes dated ids; each also with its harness (`codex/01a2`). A full id means only itself.
 */
export function referred<Ref extends SessionRef>(
  word: string,
  sessions: readonly Ref[],
): readonly Ref[] {
  const { harness, name: whole } = parted(word, sessions);
  const there = sessions.filter((one) => harness === undefined || one.harness === harness);
  const exact = there.filter(({ id }) => id === whole);
  // `watch` prints a stream's name after its session's.
  const [name = ''] = whole.split('/', 1);
  if (exact.length > 0 || name.length < shortest) return exact;
  const begun = there.filter(({ id }) => id.startsWith(name));
  return begun.length > 0 ? begun : there.filter(({ id }) => id.endsWith(name));
}

/** Shortened ids in this tool's listings begin or end with an ellipsis. */
function parted(
  word: string,
  sessions: readonly SessionRef[],
): { readonly harness: string | undefined; readonly name: string } {
  const plain = word.replace(/^…|…$/gu, '');
  const slash = plain.indexOf('/');
  const harness = plain.slice(0, Math.max(0, slash));
  const isNamed = slash > 0 && sessions.some((one) => one.harness === harness);
  return isNamed ? { harness, name: plain.slice(slash + 1) } : { harness: undefined, name: plain };
}

/** Whether a title contains all these words, in any case. */
export function isTitledSo(title: string | null | undefined, words: string): boolean {
  const said = title?.toLowerCase() ?? '';
  const wanted = words.toLowerCase().split(/\s+/u).filter(Boolean);
  return wanted.length > 0 && wanted.every((word) => said.includes(word));
}

const shortLength = 8;

/**
 * The shortest form of each id that distinguishes it from all others: its beginning, or its end if
 * many begin alike.
 */
export function shortIds(ids: readonly string[]): ReadonlyMap<string, string> {
  const begun = counted(ids.map((id) => id.slice(0, shortLength)));
  const short = new Map<string, string>();
  for (const id of new Set(ids)) {
    const begin = id.slice(0, shortLength);
    short.set(id, begun.get(begin) === 1 ? begin : '');
  }
  for (let length = shortLength; [...short.values()].includes(''); length += 4) {
    const ends = counted([...new Set(ids)].map((id) => id.slice(-length)));
    for (const [id, known] of short) {
      const end = id.slice(-length);
      if (known === '' && (ends.get(end) === 1 || length >= id.length)) short.set(id, end);
    }
  }
  return short;
}

function counted(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
