import type { SessionRef } from '../mirror/stream.js';

/** Shorter ones are too likely to match something else by chance. */
const shortest = 4;
/** Beyond this an id is not spelled out in keys. */
const longest = 140;

/**
 * The sessions an argument may refer to by id: a full id, its beginning, or its end, which is what
 * distinguishes dated ids; each also with its harness (`codex/01a2`). A full id means only itself.
 */
export function referred<Ref extends SessionRef>(
  word: string,
  sessions: readonly Ref[],
): readonly Ref[] {
  const harnesses = new Set(sessions.map((one) => one.harness));
  const { harness, name: whole } = parted(word, (one) => harnesses.has(one));
  const there = sessions.filter((one) => harness === undefined || one.harness === harness);
  const exact = there.filter(({ id }) => id === whole);
  // `watch` prints a stream's name after its session's.
  const [name = ''] = whole.split('/', 1);
  if (exact.length > 0 || name.length < shortest) return exact;
  const begun = there.filter(({ id }) => id.startsWith(name));
  return begun.length > 0 ? begun : there.filter(({ id }) => id.endsWith(name));
}

/**
 * What the key of a session that this word may refer to by its beginning begins with; `undefined` for a word that is
 * spelled otherwise in keys, or too short.
 */
export function beginningIn(word: string, harnesses: readonly string[]): string | undefined {
  const { name } = parted(word, (one) => harnesses.includes(one));
  const [begin = ''] = name.split('/', 1);
  const isPlain = /^[A-Za-z0-9-][A-Za-z0-9._-]*$/.test(begin) && !begin.includes('..');
  return isPlain && begin.length >= shortest && begin.length <= longest ? begin : undefined;
}

/** The whole id that a word is, with its harness if it names one: most harnesses use UUIDs, of which no other id is the beginning. */
export function wholeIn(
  word: string,
  harnesses: readonly string[],
): { readonly harness: string | undefined; readonly id: string } | undefined {
  const { harness, name: id } = parted(word, (one) => harnesses.includes(one));
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(id) ? { harness, id } : undefined;
}

/** Shortened ids in this tool's listings begin or end with an ellipsis. */
function parted(
  word: string,
  isHarness: (name: string) => boolean,
): { readonly harness: string | undefined; readonly name: string } {
  const plain = word.replace(/^…|…$/gu, '');
  const slash = plain.indexOf('/');
  const harness = plain.slice(0, Math.max(0, slash));
  const isNamed = slash > 0 && isHarness(harness);
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
 * many begin alike. `wanted`: those of interest, where they are few of many.
 */
export function shortIds(
  ids: readonly string[],
  wanted: readonly string[] = ids,
): ReadonlyMap<string, string> {
  const all = [...new Set(ids)];
  const begun = countedAmong(wanted, all, (id) => id.slice(0, shortLength));
  const short = new Map<string, string>();
  let long: readonly string[] = [...new Set(wanted)].filter((id) => {
    const begin = id.slice(0, shortLength);
    // After a slash comes a stream's name.
    const isEnough = begun.get(begin) === 1 && !begin.includes('/');
    short.set(id, isEnough ? begin : id);
    return !isEnough && !id.includes('/');
  });
  for (let length = shortLength; long.length > 0; length += 4) {
    const endOf = (id: string): string => id.slice(-length);
    const ends = countedAmong(long, all, endOf);
    const begins = new Set(all.map((id) => id.slice(0, length)).filter((one) => ends.has(one)));
    long = long.filter((id) => {
      const end = endOf(id);
      // A word means the ids that begin with it before those that end with it.
      const isEnough = ends.get(end) === 1 && !begins.has(end);
      if (isEnough) short.set(id, end);
      return !isEnough && length < id.length;
    });
  }
  return short;
}

/** Short ids among sessions that become known one after another. */
export class ShortIds {
  readonly #ids = new Set<string>();
  #short: ReadonlyMap<string, string> = new Map();

  add(ids: Iterable<string>): void {
    for (const id of ids) this.#ids.add(id);
    this.#short = shortIds([...this.#ids]);
  }

  of(id: string): string {
    if (!this.#ids.has(id)) this.add([id]);
    return this.#short.get(id) ?? id;
  }
}

/** How many of all ids share a piece with each of the wanted ones. */
function countedAmong(
  wanted: readonly string[],
  all: readonly string[],
  pieceOf: (id: string) => string,
): ReadonlyMap<string, number> {
  const counts = new Map(wanted.map((id) => [pieceOf(id), 0]));
  for (const id of all) {
    const piece = pieceOf(id);
    const count = counts.get(piece);
    if (count !== undefined) counts.set(piece, count + 1);
  }
  return counts;
}
