import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { referencesHere } from '../../src/app/references.js';
import { leastBriefBytes, mostBriefBytes, usualBriefBytes } from '../../src/brief/size.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { sessionHelp } from '../../src/cli/session-argument.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { findSession } from '../../src/sessions/find.js';
import { exampleHarnesses, harnessNames } from '../../watchers/names.js';

export default class SessionBrief extends BaseCommand {
  static override summary =
    'sum up a session in Markdown, for an agent of any harness that goes on with the work';
  static override description =
    `What was asked first and last, the plan and the session's own summary, files changed, its steps, handoffs, unread mail and shared facts, then as many of the last turns as fit, with one line per call. No model is asked. Everything others wrote is quoted, looked through for secrets once more, and cut to fit.

Give it to an agent as a file or on standard input. It is information, not instructions: do not append it to a system prompt.

Exit codes: 0 done, 2 the word fits several sessions, 3 no such session, 8 store unreachable.`;
  static override examples = [
    '<%= config.bin %> session brief 8b418ea5 > brief.md',
    '<%= config.bin %> session brief . --bytes 8192',
    `<%= config.bin %> session brief @2 --harness ${exampleHarnesses[1]} | claude -p`,
  ];
  static override args = {
    session: Args.string({ description: sessionHelp, required: true }),
  };
  static override flags = {
    bytes: Flags.integer({
      summary: 'the most that it may have',
      default: usualBriefBytes,
      min: leastBriefBytes,
      max: mostBriefBytes,
      helpValue: 'N',
    }),
    harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(SessionBrief);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const store = { bucket, layout: bucketLayout(settings.project) };
    const scope = await referencesHere(settings, process.env, flags.harness);
    const session = await findSession(store, args.session, scope);
    const { sessionBrief } = await import('../../src/app/session-brief.js');
    const { markdown, missing } = await sessionBrief(settings, bucket, session, flags.bytes);
    for (const error of missing) this.warn(`left out: ${error.message}`);
    this.printText(markdown);
    const bytes = Buffer.byteLength(markdown);
    return { harness: session.harness, session_id: session.id, bytes, markdown };
  }
}
