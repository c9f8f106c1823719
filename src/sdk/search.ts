import { documentKinds } from '../search/document-kinds.js';
import { type DocumentHits, searchDocuments } from '../search/documents.js';
import { kindsFor } from '../search/kinds.js';
import { createMatcher } from '../search/matcher.js';
import { scanSessions } from '../search/scan.js';
import { listIndexed } from '../sessions/indexed.js';
import { shortIds } from '../sessions/reference.js';
import type { SdkContext } from './context.js';
import { countOf, textOf } from './environment.js';
import type { SearchAnswer, SearchHit, SearchOptions } from './search-types.js';
import type { Tracecraft } from './types.js';

/** Of each session and each kind of document. */
const usualPerSession = 3;

export function searchOf({ place }: SdkContext): Pick<Tracecraft, 'search'> {
  return {
    search: async (words, options = {}): Promise<SearchAnswer> => {
      const { perSession = usualPerSession } = options;
      const kinds = kindsFor({ ...options, cwd: options.folder }, options.kinds);
      const most = countOf('perSession', perSession);
      const matcher = createMatcher({
        words: [words].flat().map((word) => textOf('words', word)),
        isAny: options.any === true,
        isWhole: options.whole === true,
        isSubstring: options.substring === true,
        isRegex: options.regex === true,
      });
      const search = { ...place, matcher, ...scopeOf(options) };
      const hits: SearchHit[] = [];
      const unread: string[] = [];
      if (kinds.has('session')) {
        const scan = {
          ...place,
          matcher,
          scope: scopeOf(options),
          perSession: most,
          shortIds,
          listed: listIndexed,
        };
        for await (const found of scanSessions(scan)) {
          const { harness, id } = found.session;
          for (const { stream, line, role, tool = null, atMs, text } of found.hits) {
            const at = isoOf(atMs);
            hits.push({
              kind: 'session',
              harness,
              session: id,
              stream,
              line,
              role,
              tool,
              at,
              text,
            });
          }
          if (found.unread !== undefined) unread.push(`${harness}/${id}: ${found.unread}`);
        }
      }
      const wanted = documentKinds.filter((kind) => kinds.has(kind));
      for (const found of await searchDocuments({ ...search, kinds: wanted, perKind: most })) {
        hits.push(...documentHits(found));
        unread.push(...found.unread);
      }
      return { hits, unread };
    },
  };
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
