import { openPacks } from '../app/search-cache.js';
import { searchSessions } from '../app/session-search.js';
import { type DocumentHits, searchDocuments } from '../search/documents.js';
import { documentKinds, kindsFor } from '../search/kinds.js';
import { createMatcher, type Query } from '../search/matcher.js';
import type { SessionHits } from '../search/scan.js';
import type { SdkContext } from './context.js';
import { countOf, textOf } from './environment.js';
import type { SearchAnswer, SearchHit, SearchOptions } from './search-types.js';
import type { Tracecraft } from './types.js';

/** Of each session and each kind of document. */
const usualPerSession = 3;

export function searchOf({ bucket, settings, env, place }: SdkContext): Pick<Tracecraft, 'search'> {
  return {
    search: async (words, options = {}): Promise<SearchAnswer> => {
      const most = countOf('perSession', options.perSession ?? usualPerSession);
      const kinds = kindsFor({ ...options, cwd: options.folder }, options.kinds);
      const matcher = createMatcher(queryOf(words, options));
      const search = { ...place, matcher };
      const hits: SearchHit[] = [];
      const unread: string[] = [];
      if (kinds.has('session')) {
        const scope = scopeOf(options);
        const packs = options.scan
          ? undefined
          : await openPacks(bucket, settings, { env, nowMs: 0, keep: 'nothing' });
        const coverage = packs?.coverage;
        const scan = { ...search, scope, perSession: most, coverage };
        for await (const found of searchSessions(scan)) {
          hits.push(...rowHits(found));
          const { harness, id } = found.session;
          if (found.unread !== undefined) unread.push(`${harness}/${id}: ${found.unread}`);
        }
      }
      const wanted = documentKinds.filter((kind) => kinds.has(kind));
      const documents = { ...search, ...scopeOf(options), kinds: wanted, perKind: most };
      for (const found of await searchDocuments(documents)) {
        hits.push(...documentHits(found));
        unread.push(...found.unread);
      }
      return { hits, unread };
    },
  };
}

function queryOf(words: string | readonly string[], options: SearchOptions): Query {
  return {
    words: [words].flat().map((word) => textOf('words', word)),
    isAny: options.any === true,
    isWhole: options.whole === true,
    isSubstring: options.substring === true,
    isRegex: options.regex === true,
  };
}

function rowHits({ session, hits }: SessionHits): readonly SearchHit[] {
  const { harness, id } = session;
  return hits.map(({ stream, line, role, tool = null, atMs, text }) => ({
    kind: 'session',
    harness,
    session: id,
    stream,
    line,
    role,
    tool,
    at: isoOf(atMs),
    text,
  }));
}

function scopeOf(options: SearchOptions) {
  const { harness, agent, host, folder, role, tool, since, until, subagents = true } = options;
  return {
    harness,
    agent,
    host,
    folder,
    role,
    tool,
    sinceMs: since?.getTime(),
    untilMs: until?.getTime(),
    hasSubagents: subagents,
  };
}

function documentHits({ hits }: DocumentHits): readonly SearchHit[] {
  return hits.map(({ kind, id, by, to, step, atMs, text }) => ({
    kind,
    id,
    from: by,
    to,
    step,
    at: isoOf(atMs),
    text,
  }));
}

function isoOf(atMs: number | undefined): string | null {
  return atMs === undefined ? null : new Date(atMs).toISOString();
}
