import { join } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { ExportSelection } from '../src/app/export-selection.js';
import { knownFromHere } from '../src/app/known-secrets.js';
import { redactorOf } from '../src/app/redaction.js';
import { referencesHere } from '../src/app/references.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { plural } from '../src/cli/format.js';
import { parseTime } from '../src/cli/parse-time.js';
import { sessionHelp } from '../src/cli/session-argument.js';
import { systemClock } from '../src/clock.js';
import type { Settings } from '../src/config/settings.js';
import { UsageError } from '../src/errors.js';
import { bucketLayout } from '../src/protocol/keys.js';
import type { SessionStore } from '../src/sessions/conversation.js';

export default class ExportCommand extends BaseCommand {
  static override summary =
    'write sessions, events and handoffs as tables for DuckDB, pandas or the Hub';
  static override description =
    'Writes four tables, entries, events, sessions and handoffs, with a file per month, and a README.md with their columns and three queries. A second export to the same place writes only the months in which something changed; each file is replaced whole. Every row is scanned for secrets once more: if one is found, nothing is written. Destinations other than a folder take their credentials from the environment.\n\nExit codes: 0 done, 2 bad usage, 3 no such session, 7 not allowed (a public destination), 8 store unreachable, 9 refused because of a secret, 10 some objects could not be read.';
  static override examples = [
    '<%= config.bin %> export --to ./tables',
    '<%= config.bin %> export --to ./tables --since 30d --format jsonl',
    '<%= config.bin %> export 8b418ea5 @2 --to ./two-sessions',
    '<%= config.bin %> export --to s3://my-bucket/tables',
  ];
  static override strict = false;
  static override args = {
    sessions: Args.string({ description: `${sessionHelp}; several; without any, all` }),
  };
  static override flags = {
    to: Flags.string({
      summary: 'a folder, s3://BUCKET/PREFIX or hf://USER/BUCKET/PREFIX',
      helpValue: 'DESTINATION',
      required: true,
    }),
    format: Flags.option({
      summary: 'what the files are',
      options: ['parquet', 'jsonl'] as const,
      default: 'parquet' as const,
    })(),
    since: Flags.string({
      summary: 'only sessions active since then (30d, 2026-11-01)',
      helpValue: 'TIME',
    }),
    public: Flags.boolean({ summary: 'also to a bucket that anyone can read' }),
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(ExportCommand);
    const words = argv.map(String);
    if (words.length > 0 && flags.since !== undefined) {
      throw new UsageError('name sessions, or say --since', { hint: 'Not both.' });
    }
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const store = { bucket, layout: bucketLayout(settings.project) };
    const { sessions, selection } = await this.#selected(store, settings, words, flags.since);
    const { exportTables } = await import('../src/app/export.js');
    const exported = await exportTables({
      store,
      project: settings.project,
      sessions,
      selection,
      to: flags.to,
      format: flags.format,
      mayBePublic: flags.public,
      folder: join(settings.stateFolder, 'export'),
      redactor: redactorOf(settings, knownFromHere(settings, process.env)),
    });
    const { location, written, removed, rows, unread } = exported;
    for (const name of written) this.print(`wrote ${name}`);
    for (const name of removed) this.print(`removed ${name}`);
    const counts = Object.entries(rows).map(([table, count]) => `${count} ${table}`);
    this.say(
      written.length === 0
        ? `Nothing new: ${location} has ${counts.join(', ') || 'no rows'}.`
        : `${location} has ${counts.join(', ')}.`,
    );
    if (unread > 0) {
      this.warn(`${plural(unread, 'object')} could not be read`);
      process.exitCode = 10;
    }
    return {
      location,
      format: flags.format,
      sessions: sessions.length,
      written,
      removed,
      rows,
      unread,
    };
  }

  async #selected(
    store: SessionStore,
    settings: Settings,
    words: readonly string[],
    since: string | undefined,
  ): Promise<ExportSelection> {
    const { namedSessions, sessionsSince } = await import('../src/app/export-selection.js');
    if (words.length > 0) {
      return namedSessions(store, words, await referencesHere(settings, process.env));
    }
    if (since === undefined) return sessionsSince(store);
    const ms = parseTime('--since', since, systemClock.now());
    return sessionsSince(store, { ms, text: since });
  }
}
