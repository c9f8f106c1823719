import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { formatTime, plural } from '../src/cli/format.js';
import { printJson } from '../src/cli/output.js';
import { parseTime } from '../src/cli/parse-time.js';
import { hitLine, hitRecord, moreLine, sessionLine } from '../src/cli/search-lines.js';
import { NotFoundError, PartialError } from '../src/errors.js';
import { bucketLayout } from '../src/protocol/keys.js';
import { createMatcher, type Matcher } from '../src/search/matcher.js';
import { type SearchScope, type SessionHits, scanSessions } from '../src/search/scan.js';
import { shortIds } from '../src/sessions/reference.js';

/** Of each session, unless all are asked for. */
const perSession = 3;

interface Totals {
  sessions: number;
  lines: number;
  hits: number;
  shown: number;
  /** Enough was found before everything was read. */
  isStopped: boolean;
  readonly unread: { readonly session: string; readonly missing: string }[];
}

export default class Search extends BaseCommand {
  static override summary = 'find words in every mirrored transcript, from any machine';
  static override description =
    'Reads the transcripts in the bucket, most recently written session first, and prints hits as it finds them: at most three per session, the newest, each with its line for "session show --around". All words must be in one row (a prompt, an answer, a call, a result), in upper or lower case; a session that has all of them, but not in one row, is listed too. A word matches at the start of a sub-word: "checkout" finds reCheckout, checkout_total and src/checkout.ts, and "toolResult" finds tool_result. An argument that contains spaces is a phrase.\n\nRows that a harness keeps only for itself are not searched, nor is anything that was redacted. The last line says whether everything was read.\n\nWith --json: one object per hit, then the totals.\n\nExit codes: 0 found, 2 bad query or time, 3 nothing found and everything was read, 8 store unreachable, 10 not everything could be read.';
  static override examples = [
    '<%= config.bin %> search checkout total',
    '<%= config.bin %> search "missing auth check" --since 7d',
    '<%= config.bin %> search ENOSPC --role tool --all',
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
      summary: 'read the words as one regular expression',
      exclusive: ['any', 'whole', 'substring'],
    }),
    harness: Flags.string({ summary: 'only this harness' }),
    agent: Flags.string({ summary: 'only sessions of this agent' }),
    host: Flags.string({ summary: 'only sessions of this machine' }),
    cwd: Flags.string({
      summary: 'only sessions that worked in or below this folder',
      helpValue: 'DIR',
    }),
    since: Flags.string({
      summary: 'only rows written since: a duration before now, or a time',
      helpValue: '2h',
    }),
    until: Flags.string({ summary: 'only rows written before', helpValue: '1h' }),
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
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(Search);
    const matcher = createMatcher({
      words: argv.map(String),
      isAny: flags.any === true,
      isWhole: flags.whole === true,
      isSubstring: flags.substring === true,
      isRegex: flags.regex === true,
    });
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const nowMs = (await bucket.now()).getTime();
    const moment = (flag: string, text: string | undefined) =>
      text === undefined ? undefined : parseTime(flag, text, nowMs);
    const scope: SearchScope = {
      harness: flags.harness,
      agent: flags.agent,
      host: flags.host,
      folder: flags.cwd === undefined ? undefined : resolve(flags.cwd),
      sinceMs: moment('--since', flags.since),
      untilMs: moment('--until', flags.until),
      role: flags.role,
      tool: flags.tool,
      hasSubagents: flags.subagents,
    };
    const layout = bucketLayout(settings.project);
    const most = flags.all ? Number.POSITIVE_INFINITY : perSession;
    return this.stoppable(async (signal) => {
      const input = { bucket, layout, matcher, scope, perSession: most, shortIds, signal };
      const scan = scanSessions(input);
      const limit = flags.all ? Number.POSITIVE_INFINITY : flags.limit;
      const totals = await this.show(scan, { limit, isCount: flags.count === true, nowMs });
      return this.conclude(totals, { matcher, nowMs, words: argv.map(String) });
    });
  }

  private async show(
    scan: AsyncIterable<SessionHits>,
    options: { readonly limit: number; readonly isCount: boolean; readonly nowMs: number },
  ): Promise<Totals> {
    const totals: Totals = {
      sessions: 0,
      lines: 0,
      hits: 0,
      shown: 0,
      isStopped: false,
      unread: [],
    };
    for await (const found of scan) {
      totals.sessions += 1;
      totals.lines += found.lines;
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
    { sessions, lines, hits, shown, isStopped, unread }: Totals,
    about: { readonly matcher: Matcher; readonly nowMs: number; readonly words: readonly string[] },
  ): object {
    const listed = formatTime(new Date(about.nowMs));
    const read = `${plural(sessions, 'session')}, ${plural(lines, 'line')}`;
    const coverage = unread.length > 0 ? 'partial' : isStopped ? 'stopped' : 'listed';
    const data = { hits, sessions, lines, coverage, listed_at: listed, unread };
    if (unread.length > 0) {
      const [first] = unread;
      const names = first === undefined ? '' : `, e.g. ${first.session}: ${first.missing}`;
      const error = new PartialError(
        `${plural(unread.length, 'session')} could not be read whole${names}`,
        {
          hint: '"tracecraft session verify" shows what is missing; "watch --once --all" restores it on the machine that has the source.',
        },
      );
      return this.answerFailure(error, data);
    }
    if (isStopped) {
      this.note(
        `stopped after ${plural(shown, 'session')} of hits (${read} read): --limit, or --all`,
      );
      return data;
    }
    this.note(`complete: ${read}, listed ${listed}`);
    if (shown > 0) return data;
    const error = new NotFoundError(`nothing found for ${about.words.join(' ').slice(0, 200)}`, {
      hint:
        about.matcher.count > 1
          ? 'With --any, one of the words is enough; --substring also looks inside words.'
          : '--substring also looks inside words.',
    });
    return this.answerFailure(error, data);
  }
}
