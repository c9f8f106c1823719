import * as Flags from '@oclif/core/flags';
import { scopeOf } from '../src/app/scope.js';
import { examineService } from '../src/app/service.js';
import { missingFolders, UnreadSources, unreadFolders } from '../src/app/unread-sources.js';
import { unwatchedFolders } from '../src/app/unwatched-folders.js';
import { stateFolderOf, watchViewOf } from '../src/app/watch-view.js';
import type { Bucket } from '../src/bucket/bucket.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { proseLines } from '../src/cli/prose.js';
import { terminalWidth } from '../src/cli/terminal-width.js';
import { systemClock } from '../src/clock.js';
import { type Examined, type Finding, isWrong } from '../src/doctor/finding.js';
import { type DoctorContext, runChecks } from '../src/doctor/run-checks.js';
import { PartialError, type TracecraftError } from '../src/errors.js';
import { nodeIo } from '../src/io.js';
import type { Layout } from '../src/protocol/keys.js';
import { harnessNames } from '../watchers/names.js';
import { createWatchers } from '../watchers/registry.js';

const width = 13;
const marks = { error: '✗', warning: '!', note: '·' } as const;

export default class Doctor extends BaseCommand {
  static override summary = 'check this set-up, and say how to fix what is wrong';
  static override description =
    'Checks Node, local state, the config and the acting agent, the harnesses on this machine, file events, the service, the bucket (who can read it, its clock, and whether it really arbitrates: eight writers race on objects that are removed again), and what is not mirrored. Writes nothing else. Each finding has a stable name, a severity and a fix. A note is worth knowing, but nothing is wrong.\n\nExit codes: 0 nothing wrong, 10 errors or warnings.';
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --deep',
    "<%= config.bin %> doctor --json | jq -r '.data.findings[].name'",
  ];

  static override flags = {
    deep: Flags.boolean({
      summary: "also compare every session's meta.json (titles, turns, tokens) with its parts",
    }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Doctor);
    const { surroundings } = this;
    const { env, home } = surroundings;
    const checks: Examined[] = [];
    const unread = new UnreadSources();
    const onUnreadable = (error: TracecraftError): void => unread.add(error);
    const sources = { io: nodeIo, clock: systemClock, env, home, onUnreadable };
    const patient: DoctorContext = {
      surroundings,
      watchers: await createWatchers(sources),
      unwatched: (watchers) => unwatchedFolders(sources, watchers),
      scopeOf: (settings) => scopeOf(settings, {}),
      unread: async (watchers, settings) => [
        ...unread.errors,
        ...(settings === undefined
          ? await missingFolders(watchers, env)
          : await unreadFolders(watchers, env, await stateFolderOf(settings))),
      ],
      watchView: watchViewOf,
      nodeVersion: process.version,
      examineService: () => examineService(surroundings),
      ...(flags.deep ? { examineCounts } : {}),
    };
    for await (const examined of runChecks(patient)) {
      checks.push(examined);
      this.tell(examined);
    }
    const findings = checks.flatMap((one) => one.findings);
    const wrong = findings.filter(isWrong);
    const data = { ok: wrong.length === 0, findings, checks: checks.map(summary) };
    if (wrong.length === 0) {
      this.say('Nothing is wrong.');
      return data;
    }
    const what = wrong.length === 1 ? 'one thing is' : `${wrong.length} things are`;
    return this.answerFailure(
      new PartialError(`${what} not as ${wrong.length === 1 ? 'it' : 'they'} should be`, {
        hint: `Start with: ${wrong[0]?.fix ?? ''}`,
      }),
      data,
    );
  }

  private tell({ check, facts, findings }: Examined): void {
    const mark = findings.some(isWrong) ? ' ' : '✓';
    const [first = '', ...others] = facts;
    const indent = ' '.repeat(width + 2);
    const texts = [
      `${mark} ${check.padEnd(width - 1)} ${first}`,
      ...others.map((one) => indent + one),
    ];
    const lines = texts.flatMap((text) => proseLines(text, terminalWidth(), indent));
    for (const line of lines) this.say(line);
    for (const finding of findings) this.tellFinding(finding);
  }

  private tellFinding({ name, severity, message, fix }: Finding): void {
    this.print(`${marks[severity]} ${severity} ${name}: ${message}`);
    this.print(`    ${fix}`);
  }
}

function summary({ check, facts }: Examined): object {
  return { check, facts };
}

async function examineCounts(bucket: Bucket, layout: Layout): Promise<Examined> {
  const { examineCounts: examine } = await import('../src/app/refresh.js');
  return examine({ bucket, layout }, harnessNames);
}
