import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { checkNote, textToShare } from '../src/cli/note.js';
import { isRecipientKnown, unknownAgent } from '../src/coordination/agents/agents.js';
import { pinArtifacts } from '../src/coordination/artifacts/pins.js';
import { readClaim } from '../src/coordination/claims/document.js';
import { complete } from '../src/coordination/claims/finish-claim.js';
import type { CoordinationContext } from '../src/coordination/context.js';
import { UsageError } from '../src/errors.js';
import { nodeIo } from '../src/io.js';
import type { Outcome } from '../src/protocol/coordination.js';
import { checkName, stepId } from '../src/protocol/names.js';

const said: Readonly<Record<Outcome, string>> = {
  complete: 'Completed',
  blocked: 'Blocked',
  needs_review: 'Needs review on',
};

export default class Complete extends BaseCommand {
  static override summary = 'end a step and hand it over';
  static override description =
    'Writes the whole handoff in one conditional write: either the step is done and handed over, or, if someone has taken it over, nothing changes and the exit code is 4. Repeating it in the same words is harmless; different words are refused, since they would not be handed over. A step that nobody has claimed is claimed and ended at once. The artifacts you name are recorded as they are now. With --to, the next agent gets a message that names the step.\n\nExit codes: 0 done, 2 bad name, 3 no such artifact, 4 it is not yours (any more), or was ended in different words, 7 not allowed, 8 store unreachable, or it is not known whether it was ended.';
  static override examples = [
    '<%= config.bin %> complete design --note "contract agreed" --to developer --next-action "build it"',
    '<%= config.bin %> complete build --changed-files-from-git --artifact patch.diff --to reviewer',
    '<%= config.bin %> complete review --blocked --note "missing auth check, needs rework"',
  ];
  static override args = {
    step: Args.string({ description: 'name of the step', required: true }),
  };
  static override flags = {
    note: Flags.string({ summary: 'what was done, and what the next agent should know' }),
    to: Flags.string({
      summary: 'the agent that continues; it gets a message',
      helpValue: 'AGENT',
    }),
    'next-action': Flags.string({ summary: 'what to do next' }),
    blocked: Flags.boolean({
      summary: 'it cannot be done as things are; agents waiting for it find out at once',
    }),
    'needs-review': Flags.boolean({ summary: 'someone has to review it first' }),
    'changed-files-from-git': Flags.boolean({
      summary:
        'record what git says changed since the claim, plus untracked files (outside a work tree: nothing)',
    }),
    artifact: Flags.string({
      summary: 'an uploaded artifact that belongs to it; repeatable',
      multiple: true,
      helpValue: 'NAME',
    }),
    redact: Flags.boolean({ summary: 'replace what looks like a secret in the note' }),
    epoch: Flags.integer({ summary: 'the epoch you won, wherever you won it', min: 1 }),
    force: Flags.boolean({
      summary: 'even if someone else holds it; a finished step stays as it is',
    }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Complete);
    const step = stepId(args.step);
    if (flags.blocked && flags['needs-review']) {
      throw new UsageError('use at most one of --blocked and --needs-review');
    }
    checkNote('--note', flags.note);
    checkNote('--next-action', flags['next-action']);
    const to = flags.to === undefined ? undefined : checkName('agent', flags.to);
    const { coordination, settings } = await this.coordinate();
    const { context, holders } = coordination;
    const scrub = async (what: string, text: string | undefined): Promise<string | undefined> =>
      text === undefined
        ? undefined
        : textToShare(settings, { what, text, redact: flags.redact }, (line) => this.warn(line));
    const [isKnown, artifacts, changed] = await Promise.all([
      to === undefined || isRecipientKnown(context, to),
      flags.artifact === undefined
        ? undefined
        : pinArtifacts(context, nodeIo, step, flags.artifact),
      flags['changed-files-from-git'] ? this.changedFiles(context, step) : undefined,
    ]);
    const outcome = flags.blocked ? 'blocked' : flags['needs-review'] ? 'needs_review' : 'complete';
    const { epoch = coordination.epochOf(step), force } = flags;
    const report = {
      outcome,
      note: await scrub('the note', flags.note),
      nextAgent: to,
      nextAction: await scrub('the next action', flags['next-action']),
      changedFiles: changed,
      artifacts,
    } as const;
    const ended = await complete(context, holders, { step, epoch, force }, report);
    const { handoff, isRepeated, wasUnclaimed } = ended;
    this.say(`${said[handoff.state]} step ${step}`);
    if (changed !== undefined) this.say(`Recorded ${changed.length} changed file(s)`);
    if (handoff.next_agent !== null) this.say(`Step ${step} handed off to ${handoff.next_agent}`);
    if (isRepeated) this.note(`Step ${step} was completed already, in the same words.`);
    if (wasUnclaimed) this.note(`Nobody had claimed step ${step}.`);
    if (!isKnown && to !== undefined) this.note(unknownAgent(to));
    await this.afterHeartbeat(coordination.heartbeat({ step: null }));
    const how = wasUnclaimed ? { how: 'unclaimed' } : {};
    return { step, repeated: isRepeated, ...how, handoff };
  }

  private async changedFiles(context: CoordinationContext, step: string): Promise<string[]> {
    const { changedFiles } = await import('../src/coordination/claims/git-changes.js');
    const claim = await readClaim(context, step);
    const { cwd } = this.surroundings;
    const files = await changedFiles({ cwd, since: claim?.document.claimed_at ?? null });
    if (files === undefined) {
      this.warn(`no git work tree in ${cwd}: no changed files are recorded`);
      return [];
    }
    if (files.length > maxFiles) {
      this.warn(`git names ${files.length} changed files; the first ${maxFiles} are recorded`);
    }
    return files.slice(0, maxFiles);
  }
}

const maxFiles = 10_000;
