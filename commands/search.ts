import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { UsedPacks } from '../src/app/search-cache.js';
import { mayHavePacks } from '../src/app/search-cache-folder.js';
import { searchSessions } from '../src/app/session-search.js';
import type { Bucket } from '../src/bucket/bucket.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { documentLines, documentRecord, moreDocumentsLine } from '../src/cli/document-hit-lines.js';
import { formatBytes } from '../src/cli/format.js';
import { printJson } from '../src/cli/output.js';
import { parseTime } from '../src/cli/parse-time.js';
import { type GivenFlags, hintsFor } from '../src/cli/search-hints.js';
import { hitLine, hitRecord, moreLine, sessionLine } from '../src/cli/search-lines.js';
import { SearchTally } from '../src/cli/search-tally.js';
import { terminalWidth } from '../src/cli/terminal-width.js';
import type { Settings } from '../src/config/settings.js';
import { messageOf, NotFoundError } from '../src/errors.js';
import { bucketLayout } from '../src/protocol/keys.js';
import type { DocumentHits, DocumentSearch } from '../src/search/documents.js';
import { documentKinds, kindsFor, searchKinds } from '../src/search/kinds.js';
import { createMatcher, type Query } from '../src/search/matcher.js';
import { isWholeScope, type SearchScope, type SessionHits } from '../src/search/scan.js';

/** From here on, reading takes a second. */
const muchBytes = 128 * 1024 * 1024;

/** So long the agent's sign of life waits for the first hit. */
const longestSilenceMs = 1_000;

/** Of each session and each kind of document, unless all are asked for. */
const perSession = 3;

interface Shown {
  readonly limit: number;
  readonly isCount: boolean;
  readonly nowMs: number;
  readonly agent: string | undefined;
}

interface Conclusion {
  readonly nowMs: number;
  readonly words: readonly string[];
  readonly hints: readonly string[];
}

export default class Search extends BaseCommand {
  protected static override endsWithItsReader = true;
  static override summary =
    'find words in every transcript, mail, memory and handoff, from any machine';
  static override description =
    'Reads the transcripts in the bucket, most recently written session first, and prints hits as it finds them: at most three per session, the newest, each with its line for "session show --around". All words must be in one row (a prompt, an answer, a call, a result), in upper or lower case; a session that has all of them, but not in one row, is listed too. A word matches at the start of a sub-word: "checkout" finds reCheckout, checkout_total and src/checkout.ts, and "toolResult" finds tool_result. An argument that contains spaces is a phrase.\n\nRows that a harness keeps only for itself are not searched, nor is anything that was redacted. The last line says whether everything was read.\n\nWhat was read from a remote bucket is kept on this machine, packed and with an index of its words; "search index" packs everything, of a folder too. It is used only for parts that the bucket lists unchanged. To search for the word index itself: search -- index.\n\nWith --json: one object per hit, then the totals.\n\nExit codes: 0 found, 2 bad query or time, 3 nothing found and everything was read, 8 store unreachable, 10 not everything could be read.';
  static override examples = [
    '<%= config.bin %> search checkout total',
    '<%= config.bin %> search "missing auth check" --since 7d',
    '<%= config.bin %> search ENOSPC --role tool --all',
    '<%= config.bin %> search "release date" --kind mail --kind memory',
    "<%= config.bin %> search --regex 'E[A-Z]{4,}' --json | jq -r .snippet",
  ];
  static override strict = false;
  static override args = {
    words: Args.string({ description: 'words, or phrases in quotes', required: true }),
  };
  static override flags = {
    any: Flags.boolean({ summary: 'one of the words is enough' }),
    whole: Flags.boolean({ char: 'w', summary: 'whole words only' }),
    substring: Flags.boolean({
      summary: 'words match anywhere, even inside other words',
      exclusive: ['whole'],
    }),
    regex: Flags.boolean({
      summary: 'read the words as one regular expression; case counts if it has a capital letter',
      exclusive: ['any', 'whole', 'substring'],
    }),
    kind: Flags.option({
      summary: 'only these: repeat it for several (default: all but events, which repeat the rest)',
      options: searchKinds,
      multiple: true,
      multipleNonGreedy: true,
    })(),
    harness: Flags.string({ summary: 'only this harness' }),
    agent: Flags.string({ summary: 'only what this agent did, said or was told' }),
    host: Flags.string({ summary: 'only sessions of this machine' }),
    cwd: Flags.string({
      summary: 'only sessions that worked in or below this folder',
      helpValue: 'DIR',
    }),
    since: Flags.string({
      summary: 'only what was written since: a duration before now, or a time',
      helpValue: '2h',
    }),
    until: Flags.string({ summary: 'only what was written before', helpValue: '1h' }),
    role: Flags.option({
      summary: 'only what this role said',
      options: ['user', 'assistant', 'tool', 'system'] as const,
    })(),
    tool: Flags.string({ summary: 'only calls of this tool' }),
    subagents: Flags.boolean({
      summary: 'search sub-agents too (default)',
      default: true,
      allowNo: true,
    }),
    limit: Flags.integer({
      summary: 'stop after this many sessions with hits',
      default: 20,
      min: 1,
    }),
    all: Flags.boolean({
      summary: 'show every hit of every session',
      exclusive: ['limit', 'count'],
    }),
    count: Flags.boolean({ summary: 'only count the hits of each session' }),
    scan: Flags.boolean({ summary: 'read every transcript, whatever is kept on this machine' }),
  };

  #answer: () => void = () => undefined;
  readonly #answered = new Promise<void>((resolve) => {
    this.#answer = resolve;
  });

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(Search);
    const words = argv.map(String);
    const matcher = createMatcher(queryOf(words, flags));
    const searched = kindsFor(flags, flags.kind);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const nowMs = (await bucket.now()).getTime();
    const scope = scopeOf(flags, nowMs);
    const layout = bucketLayout(settings.project);
    const most = flags.all ? Number.POSITIVE_INFINITY : perSession;
    const limit = flags.all ? Number.POSITIVE_INFINITY : flags.limit;
    const shown = { limit, isCount: flags.count === true, nowMs, agent: settings.agent };
    const isPackless = flags.scan || !searched.has('session');
    const packs = isPackless ? undefined : this.#packs(bucket, settings, nowMs);
    // It is awaited with the sessions; until then its failure must not count as unhandled.
    packs?.catch(() => undefined);
    return this.stoppable(async (signal) => {
      const place = { bucket, layout, matcher, signal };
      const kinds = documentKinds.filter((kind) => searched.has(kind));
      const documents = { ...place, ...scope, kinds, perKind: most };
      // Meanwhile, unless it would only delay the first hit, as it does where nothing waits for a network.
      const early = bucket.kind === 'local' ? undefined : documentsFound(documents);
      // It is awaited after the sessions; until then its failure must not count as unhandled.
      early?.catch(() => undefined);
      const coverage = packs?.then((opened) => opened?.coverage);
      const keeper = packs?.then((opened) => opened?.keeper);
      const scan = { ...place, scope, perSession: most, limit, coverage, keeper };
      const tally = new SearchTally();
      let isWhole = false;
      try {
        if (searched.has('session')) await this.#showSessions(searchSessions(scan), tally, shown);
        isWhole = searched.has('session') && isWholeScope(scope) && tally.isWhole;
        for (const one of (await early) ?? (await documentsFound(documents))) {
          if (tally.addDocuments(one)) this.#showDocuments(one, shown);
        }
        if (bucket.kind === 'local') this.#suggestIndex(tally);
        const hints = isWhole && tally.sessions === 0 ? [noSession] : hintsFor(flags, words);
        return this.#conclude(tally, { nowMs, words, hints });
      } finally {
        await this.#settle(await packs, isWhole);
      }
    });
  }

  async #packs(bucket: Bucket, settings: Settings, nowMs: number): Promise<UsedPacks | undefined> {
    const { env } = process;
    // Reading a folder takes less time than packing what was read.
    const keep = bucket.kind === 'local' ? 'nothing' : 'much';
    if (keep === 'nothing' && !(await mayHavePacks(bucket, settings, env))) return undefined;
    const { openPacks } = await import('../src/app/search-cache.js');
    return openPacks(bucket, settings, { env, nowMs, keep });
  }

  /** It takes time that the first hit would have to wait for. */
  protected override async signOfLife(bucket: Bucket, settings: Settings): Promise<void> {
    setTimeout(this.#answer, longestSilenceMs).unref();
    await this.#answered;
    await super.signOfLife(bucket, settings);
  }

  protected override async end(): Promise<void> {
    this.#answer();
    await super.end();
  }

  /** A search has answered, whether or not its cache could be written. */
  async #settle(packs: UsedPacks | undefined, isWhole: boolean): Promise<void> {
    try {
      await packs?.settle({ isWhole });
      if (packs?.keeper?.failure !== undefined) throw packs.keeper.failure;
    } catch (error) {
      const why = messageOf(error);
      this.warn(`what was read could not be kept for the next search: ${why}`);
    }
  }

  #suggestIndex({ scannedBytes }: SearchTally): void {
    if (scannedBytes < muchBytes) return;
    this.note(
      `${formatBytes(scannedBytes)} had to be read: after "tracecraft search index" a search reads much less`,
    );
  }

  async #showSessions(
    scan: AsyncIterable<SessionHits>,
    tally: SearchTally,
    shown: Shown,
  ): Promise<void> {
    for await (const found of scan) {
      if (!tally.addSession(found)) continue;
      this.#showSession(found, shown);
      this.#answer();
      if (tally.shown < shown.limit) continue;
      tally.stop();
      return;
    }
  }

  #showSession(found: SessionHits, { isCount, nowMs }: Shown): void {
    if (this.jsonEnabled()) {
      for (const hit of found.hits) printJson(hitRecord(found, hit));
      return;
    }
    const { shortId, count } = found;
    const line = sessionLine(found, { shortId, nowMs, width: terminalWidth() });
    this.print(isCount ? `${count}  ${line}` : line);
    if (isCount) return;
    for (const hit of found.hits) this.print(hitLine(hit));
    const more = moreLine(found);
    if (more !== undefined) this.print(more);
  }

  #showDocuments(found: DocumentHits, { isCount, ...viewer }: Shown): void {
    if (this.jsonEnabled()) {
      for (const hit of found.hits) printJson(documentRecord(hit, viewer));
      return;
    }
    if (isCount) {
      this.print(`${found.count}  ${found.kind}`);
      return;
    }
    for (const line of found.hits.flatMap((hit) => documentLines(hit, viewer))) this.print(line);
    const more = moreDocumentsLine(found);
    if (more !== undefined) this.print(more);
  }

  /** The last line says what the answer is worth. */
  #conclude(tally: SearchTally, { nowMs, words, hints }: Conclusion): object {
    const data = tally.data(nowMs);
    const failure = tally.failure();
    if (failure !== undefined) return this.answerFailure(failure, data);
    this.note(tally.closingLine(nowMs));
    if (tally.coverage === 'stopped' || tally.shown > 0) return data;
    const error = new NotFoundError(`nothing found for ${words.join(' ').slice(0, 200)}`, {
      hint: hints.join(' '),
    });
    return this.answerFailure(error, data);
  }
}

const noSession = 'No session is in this project yet: "tracecraft watch" mirrors yours.';

/** Their code is not loaded for a search that looks for none. */
async function documentsFound(search: DocumentSearch): Promise<readonly DocumentHits[]> {
  if (search.kinds.length === 0) return [];
  const { searchDocuments } = await import('../src/search/documents.js');
  return searchDocuments(search);
}

function queryOf(words: readonly string[], flags: GivenFlags): Query {
  return {
    words,
    isAny: flags.any === true,
    isWhole: flags.whole === true,
    isSubstring: flags.substring === true,
    isRegex: flags.regex === true,
  };
}

interface ScopeFlags extends Pick<SearchScope, 'harness' | 'agent' | 'host' | 'role' | 'tool'> {
  readonly cwd?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly subagents: boolean;
}

function scopeOf(flags: ScopeFlags, nowMs: number): SearchScope {
  const { harness, agent, host, cwd, since, until, role, tool, subagents } = flags;
  return {
    harness,
    agent,
    host,
    folder: cwd === undefined ? undefined : resolve(cwd),
    sinceMs: since === undefined ? undefined : parseTime('--since', since, nowMs),
    untilMs: until === undefined ? undefined : parseTime('--until', until, nowMs),
    role,
    tool,
    hasSubagents: subagents,
  };
}
