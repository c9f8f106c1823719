import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { logLine, logRecord, sessionLine, sessionRecord } from '../src/cli/log-lines.js';
import { printJson } from '../src/cli/output.js';
import { parseTime } from '../src/cli/parse-time.js';
import { handleSignals } from '../src/cli/signals.js';
import { systemClock } from '../src/clock.js';
import { UnreachableError } from '../src/errors.js';
import { bucketLayout } from '../src/protocol/keys.js';
import { checkName, stepId } from '../src/protocol/names.js';
import type { TimelineEntry } from '../src/replay/timeline/entry.js';
import { FollowFilter } from '../src/replay/timeline/follow-filter.js';
import { RunReader } from '../src/replay/timeline/read.js';
import { type EntrySelection, isSelected } from '../src/replay/timeline/selection.js';
import { type Timeline, timelineOf } from '../src/replay/timeline/timeline.js';
import { streamTimeline } from '../src/replay/timeline/timeline-stream.js';
import { ShortIds } from '../src/sessions/reference.js';

const pollMs = 2_000;
const nothingFits = 'No matching events yet.';

export default class Log extends BaseCommand {
  protected static override endsWithItsReader = true;
  static override summary = 'show what happened in this project, one line per event';
  static override description =
    'The time is the store\'s. If a tool wrote the bucket without keeping events, they are derived from what it left there. "tracecraft replay" draws the same entries.\n\nWith --follow and --json: one JSON object per line.\n\nExit codes: 0 done, 2 bad name or time, 8 store unreachable, 130/143 ended by a second signal.';
  static override examples = [
    '<%= config.bin %> log',
    '<%= config.bin %> log --since 2h --agent developer',
    '<%= config.bin %> log --step review --follow',
    '<%= config.bin %> log --json | jq -r \'.data.events[] | select(.type == "step.blocked") | .text\'',
  ];
  static override flags = {
    since: Flags.string({
      summary: 'only what happened since: a duration before now, or a time',
      helpValue: '2h',
    }),
    agent: Flags.string({ summary: 'only what this agent did or was sent' }),
    step: Flags.string({ summary: 'only what concerns this step' }),
    sessions: Flags.boolean({ summary: 'include the start and end of mirrored sessions' }),
    follow: Flags.boolean({
      char: 'f',
      summary: 'keep printing new events until stopped',
    }),
  };

  readonly #warned = new Set<string>();

  async run(): Promise<object> {
    const { flags } = await this.parse(Log);
    const settings = await this.settings();
    const agent = flags.agent === undefined ? undefined : checkName('agent', flags.agent);
    const step = flags.step === undefined ? undefined : stepId(flags.step);
    const moment = (nowMs: number) =>
      flags.since === undefined ? undefined : parseTime('--since', flags.since, nowMs);
    moment(0);
    const bucket = await this.openBucket(settings);
    const sinceMs = moment((await bucket.now()).getTime());
    const sinceNs = sinceMs === undefined ? undefined : BigInt(Math.trunc(sinceMs)) * 1_000_000n;
    const selection: EntrySelection = { sinceNs, agent, step };
    const reader = new RunReader(bucket, bucketLayout(settings.project), {
      remembers: flags.follow === true,
    });
    if (flags.follow) return this.follow(reader, selection);
    if (this.jsonEnabled() || flags.sessions) {
      return this.withSessions(reader, selection, flags.sessions);
    }
    let isEmpty = true;
    for await (const entry of streamTimeline(reader)) {
      if (!isSelected(entry, selection)) continue;
      isEmpty = false;
      this.print(logLine(entry));
    }
    this.warnOf(reader.end());
    if (isEmpty) this.note(nothingFits);
    return {};
  }

  private async withSessions(
    reader: RunReader,
    selection: EntrySelection,
    areShown: boolean,
  ): Promise<object> {
    const { entries, sessions } = await this.timeline(reader);
    const events = entries.filter((entry) => isSelected(entry, selection));
    const marks = sessions.filter((mark) =>
      isSelected({ ...mark, to: null, step: null }, selection),
    );
    const short = new ShortIds();
    short.add(sessions.map(({ sessionId }) => sessionId));
    const lines = merged(events, areShown ? marks : [], short);
    for (const line of lines) this.print(line);
    if (lines.length === 0) this.note(nothingFits);
    return { events: events.map(logRecord), sessions: marks.map(sessionRecord) };
  }

  private async follow(reader: RunReader, selection: EntrySelection): Promise<object> {
    const news = new FollowFilter();
    const stop = new AbortController();
    const restore = handleSignals(() => stop.abort());
    let count = 0;
    while (!stop.signal.aborted) {
      const entries = await this.entriesNow(reader);
      const fresh = news.take(entries, systemClock.monotonic());
      for (const entry of fresh) {
        if (!isSelected(entry, selection)) continue;
        count += 1;
        if (this.jsonEnabled()) printJson(logRecord(entry));
        else this.print(logLine(entry));
      }
      await systemClock.sleep(pollMs, stop.signal);
    }
    restore();
    return { events: count };
  }

  /** An outage ends nothing: the next read shows what happened meanwhile. */
  private async entriesNow(reader: RunReader): Promise<readonly TimelineEntry[]> {
    try {
      return (await this.timeline(reader)).entries;
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      this.warnOnce(`unreachable for now: ${error.message}`);
      return [];
    }
  }

  private async timeline(reader: RunReader): Promise<Timeline> {
    const { state, skipped } = await reader.read();
    this.warnOf(skipped);
    return timelineOf(state);
  }

  private warnOf(skipped: readonly Error[]): void {
    for (const { message } of skipped) this.warnOnce(message);
  }

  private warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.warn(message);
  }
}

function merged(
  events: readonly TimelineEntry[],
  marks: Timeline['sessions'],
  short: ShortIds,
): readonly string[] {
  const lines = [
    ...events.map((entry) => ({ timeNs: entry.timeNs, line: logLine(entry) })),
    ...marks.map((mark) => ({ timeNs: mark.timeNs, line: sessionLine(mark, short) })),
  ];
  const isLater = (left: bigint, right: bigint) => (left === right ? 0 : left > right ? 1 : -1);
  return lines.sort((left, right) => isLater(left.timeNs, right.timeNs)).map(({ line }) => line);
}
