import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { openPacks, type UsedPacks } from '../src/app/search-cache.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { documentLines, documentRecord, moreDocumentsLine } from '../src/cli/document-hit-lines.js';
import { formatBytes, formatTime, plural } from '../src/cli/format.js';
import { printJson } from '../src/cli/output.js';
import { parseTime } from '../src/cli/parse-time.js';
import { hitLine, hitRecord, moreLine, sessionLine } from '../src/cli/search-lines.js';
import { messageOf, NotFoundError, PartialError } from '../src/errors.js';
import { bucketLayout } from '../src/protocol/keys.js';
import { documentKinds } from '../src/search/document-kinds.js';
import { type DocumentHits, searchDocuments } from '../src/search/documents.js';
import { kindsFor, searchKinds, sessionFilters } from '../src/search/kinds.js';
import { createMatcher, type Matcher, type Query } from '../src/search/matcher.js';
import {
  isWholeScope,
  type SearchScope,
  type SessionHits,
  scanSessions,
} from '../src/search/scan.js';
import { listIndexed } from '../src/sessions/indexed.js';
import { shortIds } from '../src/sessions/reference.js';

/** From here on, reading takes a second. */
const muchBytes = 128 * 1024 * 1024;

/** Of each session and each kind of document, unless all are asked for. */
const perSession = 3;

interface Totals {
  sessions: number;
  lines: number;
  /** Of parts that no pack on this machine covers. */
  scannedBytes: number;
  documents: number;
  hits: number;
  shown: number;
  /** Enough was found before everything was read. */
  isStopped: boolean;
  readonly unread: { readonly session: string; readonly missing: string }[];
  /** Why, each with its key. */
  readonly unreadDocuments: string[];
}

interface Shown {
  readonly limit: number;
  readonly isCount: boolean;
  readonly nowMs: number;
  readonly agent: string | undefined;
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
    const packs = flags.scan
      ? undefined
      : await openPacks(bucket, settings, {
          env: process.env,
          nowMs,
          // Reading a folder takes less time than packing what was read.
          keep: bucket.kind === 'local' ? 'nothing' : 'much',
        });
    return this.stoppable(async (signal) => {
      const place = { bucket, layout, matcher, signal };
      const { agent, sinceMs, untilMs } = scope;
      const found = searchDocuments({
        ...place,
        kinds: documentKinds.filter((kind) => searched.has(kind)),
        perKind: most,
        agent,
        sinceMs,
        untilMs,
      });
      // It is awaited after the sessions; until then its failure must not count as unhandled.
      found.catch(() => undefined);
      const { coverage, keeper } = packs ?? {};
      const scan = { ...place, scope, perSession: most, shortIds, listed: listIndexed };
      const sessions = searched.has('session') ? scanSessions({ ...scan, coverage, keeper }) : [];
      let isWhole = false;
      try {
        const totals = await this.show(sessions, shown);
        isWhole = searched.has('session') && isWholeScope(scope) && isReadWhole(totals);
        for (const one of await found) this.showDocuments(totals, one, shown);
        if (bucket.kind === 'local') this.suggestIndex(totals);
        return this.conclude(totals, { nowMs, words, hints: hintsFor(flags, matcher, words) });
      } finally {
        await this.settle(packs, isWhole);
      }
    });
  }

  /** A search has answered, whether or not its cache could be written. */
  private async settle(packs: UsedPacks | undefined, isWhole: boolean): Promise<void> {
    try {
      await packs?.settle({ isWhole });
      if (packs?.keeper?.failure !== undefined) throw packs.keeper.failure;
    } catch (error) {
      const why = messageOf(error);
      this.warn(`what was read could not be kept for the next search: ${why}`);
    }
  }

  private suggestIndex({ scannedBytes }: Totals): void {
    if (scannedBytes < muchBytes) return;
    this.note(
      `${formatBytes(scannedBytes)} had to be read: after "tracecraft search index" a search reads much less`,
    );
  }

  private async show(
    scan: AsyncIterable<SessionHits> | Iterable<SessionHits>,
    options: Shown,
  ): Promise<Totals> {
    const totals: Totals = {
      sessions: 0,
      lines: 0,
      scannedBytes: 0,
      documents: 0,
      hits: 0,
      shown: 0,
      isStopped: false,
      unread: [],
      unreadDocuments: [],
    };
    for await (const found of scan) {
      totals.sessions += 1;
      totals.lines += found.lines;
      totals.scannedBytes += found.scannedBytes;
      totals.hits += found.count;
      const { harness, id } = found.session;
      if (found.unread !== undefined) {
        totals.unread.push({ session: `${harness}/${id}`, missing: found.unread });
      }
      if (found.count === 0 && !found.isSpread) continue;
      totals.shown += 1;
      this.showSession(found, options);
      if (totals.shown < options.limit) continue;
      totals.isStopped = true;
      break;
    }
    return totals;
  }

  private showDocuments(totals: Totals, found: DocumentHits, { isCount, ...viewer }: Shown): void {
    totals.documents += found.documents;
    totals.hits += found.count;
    totals.unreadDocuments.push(...found.unread);
    if (found.count === 0) return;
    totals.shown += 1;
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

  private showSession(
    found: SessionHits,
    { isCount, nowMs }: { readonly isCount: boolean; readonly nowMs: number },
  ): void {
    if (this.jsonEnabled()) {
      for (const hit of found.hits) printJson(hitRecord(found, hit));
      return;
    }
    const { shortId, count } = found;
    const line = sessionLine(found, { shortId, nowMs });
    this.print(isCount ? `${count}  ${line}` : line);
    if (isCount) return;
    for (const hit of found.hits) this.print(hitLine(hit));
    const more = moreLine(found);
    if (more !== undefined) this.print(more);
  }

  /** The last line says what the answer is worth. */
  private conclude(
    totals: Totals,
    about: {
      readonly nowMs: number;
      readonly words: readonly string[];
      readonly hints: readonly string[];
    },
  ): object {
    const { sessions, lines, scannedBytes, documents, hits, shown } = totals;
    const { isStopped, unread, unreadDocuments } = totals;
    const listed = formatTime(new Date(about.nowMs));
    const counts = [
      plural(sessions, 'session'),
      plural(lines, 'line'),
      ...(documents === 0 ? [] : [plural(documents, 'document')]),
    ];
    const missing = unread.length + unreadDocuments.length;
    const coverage = missing > 0 ? 'partial' : isStopped ? 'stopped' : 'listed';
    const data = {
      hits,
      sessions,
      lines,
      scanned_bytes: scannedBytes,
      documents,
      coverage,
      listed_at: listed,
      unread,
      unread_documents: unreadDocuments,
    };
    if (missing > 0) return this.answerFailure(partial(totals), data);
    if (isStopped) {
      this.note(
        `stopped after ${plural(shown, 'session')} of hits (${counts.join(', ')} read): --limit, or --all`,
      );
      return data;
    }
    this.note(`complete: ${counts.join(', ')}, listed ${listed}`);
    if (shown > 0) return data;
    const error = new NotFoundError(`nothing found for ${about.words.join(' ').slice(0, 200)}`, {
      hint: about.hints.join(' '),
    });
    return this.answerFailure(error, data);
  }
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

function isReadWhole({ isStopped, unread }: Totals): boolean {
  return !isStopped && unread.length === 0;
}

function partial({ unread, unreadDocuments }: Totals): PartialError {
  const [first] = unread;
  const [why] = unreadDocuments;
  if (first === undefined) {
    return new PartialError(
      `${plural(unreadDocuments.length, 'document')} could not be read, e.g. ${why ?? ''}`,
    );
  }
  const others = unreadDocuments.length;
  const also = others === 0 ? '' : `, and ${plural(others, 'document')}`;
  return new PartialError(
    `${plural(unread.length, 'session')} could not be read whole, e.g. ${first.session}: ${first.missing}${also}`,
    {
      hint: '"tracecraft session verify" tells what is missing, and "watch --once" mends it where the source is.',
    },
  );
}

const filters = [...sessionFilters, 'agent', 'since', 'until', 'kind'] as const;

type GivenFlags = { readonly [Name in (typeof filters)[number]]?: unknown } & {
  readonly any?: boolean;
  readonly whole?: boolean;
  readonly substring?: boolean;
  readonly regex?: boolean;
  readonly subagents: boolean;
};

/** What might find more. */
function hintsFor(
  flags: GivenFlags,
  { count }: Matcher,
  words: readonly string[],
): readonly string[] {
  const hasPhrase = flags.regex !== true && words.some((word) => /\s/.test(word.trim()));
  const given: string[] = filters.filter((name) => flags[name] !== undefined);
  if (!flags.subagents) given.push('no-subagents');
  const hints: string[] = [];
  if (hasPhrase) hints.push('Words without quotes may be anywhere in a row.');
  if (count > 1 && flags.any !== true) hints.push('With --any one of the words is enough.');
  if (flags.whole === true) hints.push('Without --whole longer words match, too.');
  else if (flags.regex !== true && flags.substring !== true) {
    hints.push('--substring looks inside of words, too.');
  }
  if (given.length > 0) {
    hints.push(`More is searched without ${given.map((name) => `--${name}`).join(', ')}.`);
  }
  const isAll = flags.kind === undefined && sessionFilters.every((name) => !given.includes(name));
  if (isAll) hints.push('Events are searched with --kind event only.');
  return hints;
}
