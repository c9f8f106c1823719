import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { checkSecrets, secretWarning } from '../src/app/secret-check.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { isRegistered, unknownAgent } from '../src/coordination/agents/agents.js';
import { readClaim } from '../src/coordination/claims/document.js';
import { complete } from '../src/coordination/claims/finish-claim.js';
import type { CoordinationContext } from '../src/coordination/context.js';
import { NotFoundError, UsageError } from '../src/errors.js';
import { maxTextLength, type Outcome } from '../src/protocol/coordination.js';
import type { Layout } from '../src/protocol/keys.js';
import { checkName, isName, stepId } from '../src/protocol/names.js';

const said: Readonly<Record<Outcome, string>> = {
  complete: 'Completed step',
  blocked: 'Blocked step',
  needs_review: 'Needs review: step',
};

export default class Complete extends BaseCommand {
  static override summary = 'end a step and hand it over';
  static override description =
    'Replaces the claim once, with the whole handoff in it: either the step is done and handed over or, if someone took it over meanwhile, nothing changes and the exit code is 4. Repeating it is harmless. With --to, the next agent gets a message that names the step.\n\nExit codes: 0 done, 2 bad name, 3 nobody has claimed it or no such artifact, 4 not yours (any more), 7 not allowed, 8 store unreachable.';
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
      summary: 'it cannot be done as things are; agents waiting for it learn at once',
      exclusive: ['needs-review'],
    }),
    'needs-review': Flags.boolean({ summary: 'someone has to review it first' }),
    'changed-files-from-git': Flags.boolean({
      summary: 'record what git says changed since the claim, plus untracked files',
    }),
    artifact: Flags.string({
      summary: 'an uploaded artifact that belongs to it; repeatable',
      multiple: true,
      helpValue: 'NAME',
    }),
    redact: Flags.boolean({ summary: 'replace what looks like a secret in the note' }),
    epoch: Flags.integer({ summary: 'the claim is yours, made elsewhere under your name', min: 1 }),
    force: Flags.boolean({ summary: 'whoever holds it' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Complete);
    const step = stepId(args.step);
    checkLength('--note', flags.note);
    checkLength('--next-action', flags['next-action']);
    const to = flags.to === undefined ? undefined : checkName('agent', flags.to);
    const { coordination, settings } = await this.coordinate();
    const { context, held } = coordination;
    const scrub = (what: string, text: string | undefined): string | undefined => {
      if (text === undefined) return undefined;
      const checked = checkSecrets(settings, text, flags.redact);
      if (checked.found !== undefined) {
        this.warn(secretWarning(what, checked.found, flags.redact));
      }
      return checked.text;
    };
    const [artifacts, changed] = await Promise.all([
      checkArtifacts(context, step, flags.artifact ?? []),
      flags['changed-files-from-git'] ? this.changedFiles(context, step) : undefined,
    ]);
    const outcome = flags.blocked ? 'blocked' : flags['needs-review'] ? 'needs_review' : 'complete';
    const { epoch, force } = flags;
    const report = {
      outcome,
      note: scrub('the note', flags.note),
      nextAgent: to,
      nextAction: scrub('the next action', flags['next-action']),
      changedFiles: changed,
      artifacts,
    } as const;
    const ended = await complete(context, held, { step, epoch, force }, report);
    await this.afterHeartbeat(coordination.heartbeat({ step: null }));
    const { handoff, isRepeated } = ended;
    if (isRepeated) this.note(`It was ended before; its handoff stays as it was.`);
    this.say(`${said[handoff.state]} ${step}`);
    if (to !== undefined && !(await isRegistered(context, to))) this.note(unknownAgent(to));
    if (handoff.next_agent !== null) this.say(`Handed over to ${handoff.next_agent}`);
    return { step, repeated: isRepeated, handoff };
  }

  private async changedFiles(context: CoordinationContext, step: string): Promise<string[]> {
    const { changedFiles } = await import('../src/coordination/claims/git-changes.js');
    const claim = await readClaim(context, step);
    const { cwd } = this.surroundings;
    const files = await changedFiles({ cwd, since: claim?.document.claimed_at ?? null });
    if (files.length > maxFiles) {
      this.warn(`git names ${files.length} changed files; the first ${maxFiles} are recorded`);
    }
    return files.slice(0, maxFiles);
  }
}

const maxFiles = 10_000;

/** Longer notes belong in an artifact; readers refuse them. */
function checkLength(flag: string, text: string | undefined): void {
  if (text === undefined || text.length <= maxTextLength) return;
  throw new UsageError(`${flag} is longer than ${maxTextLength} characters`, {
    hint: 'Upload it with "tracecraft artifact upload" and name it with --artifact.',
  });
}

/** In this step, among the shared ones, or as `artifact list` names it. */
function keysOf(layout: Layout, step: string, name: string): string[] {
  const keys = [layout.artifact(step, name), layout.artifact('shared', name)];
  const slash = name.indexOf('/');
  const of = name.slice(0, slash);
  return slash > 0 && isName(of) ? [...keys, layout.artifact(of, name.slice(slash + 1))] : keys;
}

/** As the next agent finds them: below the step, or among the shared ones. */
async function checkArtifacts(
  { bucket, layout }: CoordinationContext,
  step: string,
  names: readonly string[],
): Promise<string[]> {
  const root = layout.artifacts().length;
  return Promise.all(
    names.map(async (name) => {
      for (const key of keysOf(layout, step, name)) {
        for await (const entry of bucket.list(key)) {
          if (entry.kind === 'object' && entry.key === key) return key.slice(root);
          break;
        }
      }
      throw new NotFoundError(`no artifact ${name} in step ${step} or among the shared ones`, {
        hint: `Upload it first: "tracecraft artifact upload FILE --step ${step}".`,
      });
    }),
  );
}
