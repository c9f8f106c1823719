import { basename, dirname } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { plainHttpHost, plainHttpWarning } from '../src/bucket/plain-http.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { canAsk, confirm } from '../src/cli/confirm.js';
import { columns } from '../src/cli/output.js';
import type { GitIgnored } from '../src/config/write.js';
import { escapeTerminal } from '../src/escape-terminal.js';
import { applyInit, type InitOutcome } from '../src/init/apply.js';
import { type InitPlan, planInit } from '../src/init/plan.js';
import { userName } from '../src/system-user.js';

export default class Init extends BaseCommand {
  static override summary = 'set up a bucket for this project, or for everything on this machine';
  static override description =
    `Without flags, the bucket is a folder in your home, the project is named after this folder and the agent after you. Creates the bucket if it is missing, and probes what it can do with objects that it deletes again. S3 credentials come from wherever the AWS tools keep them (environment, profiles, SSO, instance roles), Hugging Face credentials from HF_TOKEN or "hf auth login"; they are stored only if you pass them as flags. A new bucket on Hugging Face is private unless you pass --public. Inside a git work tree, the config, and a bucket that is a folder there, are added to .gitignore; at a terminal you are asked first.\n\nExit codes: 0 done, 2 bad flags or a config already exists, 3 no such bucket, 7 credentials missing or refused, 8 store unreachable.`;
  static override examples = [
    '<%= config.bin %> init',
    '<%= config.bin %> init --global',
    '<%= config.bin %> init --backend s3 --bucket team-traces --region eu-central-1 --project app --agent designer',
    '<%= config.bin %> init --backend hf --bucket me/traces --project app --agent designer',
    '<%= config.bin %> init --backend s3 --bucket traces --endpoint https://s3.example.com --profile work',
  ];
  static override flags = {
    backend: Flags.string({
      summary: 'kind of bucket: local (a folder), s3 or hf (Hugging Face)',
      helpValue: 'local|s3|hf',
    }),
    bucket: Flags.string({
      summary: 'the folder, or the name of the bucket',
      helpValue: 'FOLDER|NAME|USER/NAME',
    }),
    project: Flags.string({ summary: 'first segment of all keys', helpValue: 'NAME' }),
    agent: Flags.string({ summary: 'your name in the project', helpValue: 'NAME' }),
    endpoint: Flags.string({
      summary: 'URL of an S3 server other than Amazon, or of a Hub other than huggingface.co',
      helpValue: 'URL',
    }),
    region: Flags.string({ summary: 'region of the bucket', helpValue: 'REGION' }),
    profile: Flags.string({
      summary: 'AWS profile to take credentials from',
      helpValue: 'NAME',
    }),
    'access-key': Flags.string({
      summary: 'key to store in the config, with --secret-key',
      helpValue: 'KEY',
    }),
    'secret-key': Flags.string({ summary: 'its secret, stored in the config', helpValue: 'KEY' }),
    'hf-token': Flags.string({
      summary: 'Hugging Face token to store in the config; without it HF_TOKEN is used',
      helpValue: 'TOKEN',
    }),
    public: Flags.boolean({
      summary: 'on Hugging Face: let everyone read the new bucket',
      exclusive: ['private'],
    }),
    private: Flags.boolean({ summary: 'on Hugging Face: let nobody else read it (the default)' }),
    global: Flags.boolean({
      summary: 'one bucket for everything: write ~/.tracecraft/config.json',
    }),
    'no-create': Flags.boolean({
      summary: 'fail if the bucket is not there, rather than create it',
    }),
    force: Flags.boolean({ summary: 'overwrite an existing config' }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Init);
    const context = this.surroundings;
    const plan = planInit(
      {
        ...flags,
        accessKey: flags['access-key'],
        secretKey: flags['secret-key'],
        hfToken: flags['hf-token'],
        isPublic: flags.public,
        isPrivate: flags.private,
        isGlobal: flags.global,
      },
      context,
      userName(context.env),
    );
    const inClear = plainHttpHost(plan.config);
    if (inClear !== undefined) this.warn(plainHttpWarning(inClear));
    const outcome = await applyInit(plan, context, {
      isOverwriting: flags.force,
      mayCreate: !flags['no-create'],
      ...(canAsk() && !this.jsonEnabled() ? { mayIgnore: askToIgnore } : {}),
    });
    this.report(plan, outcome);
    return dataOf(plan, outcome);
  }

  private report(plan: InitPlan, outcome: InitOutcome): void {
    const { config } = plan;
    if (config.backend === 'hf') {
      const { bucket } = config;
      this.say(`Backend: HuggingFace Buckets  Bucket: ${bucket} (${outcome.visibility})`);
    }
    const rows = [
      ['backend', config.backend],
      ['bucket', `${outcome.location}${inBrackets(bucketNotes(outcome))}`],
      ['project', config.project],
      ['agent', `${config.agent_id} (${outcome.isNewAgent ? 'registered' : 'known already'})`],
      [
        'config',
        `${outcome.file.path}${inBrackets(['mode 600', ...gitNotes(outcome.gitIgnored)])}`,
      ],
      ...outcome.findings
        .filter(({ ok }) => ok)
        .map(({ check, message }, index) => [index === 0 ? 'proven' : '', `${check}: ${message}`]),
    ];
    for (const line of columns(rows)) this.say(line);
    this.tellGit(outcome.file.path, outcome.gitIgnored);
    if (config.backend === 'local') this.tellGit(config.bucket, outcome.bucketIgnored);
    if (config.backend === 'hf') this.tellHub(plan, outcome);
    else this.tellMissing(outcome);
    if (outcome.isNewBucket && config.backend !== 'local') {
      this.warn(
        `there was no bucket ${config.bucket}: it was created at ${outcome.location}. If that is a misspelt name, delete it; --no-create fails instead.`,
      );
    }
    if (plan.scope === 'project' && dirname(plan.configPath) === this.surroundings.home) {
      this.warn(
        'this is your home folder: its config applies to every folder below. "tracecraft init --global" is for one bucket for everything.',
      );
    }
    this.say('Next: tracecraft watch');
  }

  private tellGit(path: string, standing: GitIgnored): void {
    if (standing === 'tracked') {
      this.warn(`git tracks ${path}: run git rm --cached on it before pushing`);
    }
    if (standing === 'declined') this.warn(`git will add ${path}: do not commit it`);
  }

  private tellHub({ config, visibility }: InitPlan, outcome: InitOutcome): void {
    if (outcome.visibility === 'public' && visibility !== 'public') {
      this.warn(
        `PUBLIC BUCKET: everyone on the internet can read ${config.bucket}, including every transcript. ` +
          'Make it private in its Hugging Face settings, or use another bucket, before you mirror anything.',
      );
    }
    const [namespace] = config.bucket.split('/');
    this.warn(
      'claims are best-effort on Hugging Face: its API cannot arbitrate between racing writers. ' +
        `For atomic claims use its S3 gateway: --backend s3 --endpoint https://s3.hf.co/${namespace}`,
    );
  }

  private tellMissing(outcome: InitOutcome): void {
    for (const { check, message } of outcome.findings.filter(({ ok }) => !ok)) {
      this.warn(`${check} is not reliable here, so claims are best-effort: ${message}`);
    }
  }
}

function dataOf({ config, scope }: InitPlan, outcome: InitOutcome): object {
  return {
    backend: config.backend,
    location: outcome.location,
    project: config.project,
    agent: config.agent_id,
    new_bucket: outcome.isNewBucket,
    ...(outcome.visibility === undefined ? {} : { visibility: outcome.visibility }),
    new_agent: outcome.isNewAgent,
    config: outcome.file.path,
    scope,
    gitignore: outcome.gitIgnored,
    capabilities: {
      put_if_absent: outcome.capabilities.putIfAbsent,
      put_if_match: outcome.capabilities.putIfMatch,
    },
    findings: outcome.findings,
  };
}

function askToIgnore(path: string): Promise<boolean> {
  const question = `${basename(path)} may hold keys or transcripts. Keep it out of git, with a line in .gitignore?`;
  return confirm(escapeTerminal(question));
}

function bucketNotes({ isNewBucket, bucketIgnored }: InitOutcome): readonly string[] {
  return [...(isNewBucket ? ['created'] : []), ...gitNotes(bucketIgnored)];
}

function gitNotes(standing: GitIgnored): readonly string[] {
  return standing === 'added' || standing === 'already' ? ['in .gitignore'] : [];
}

function inBrackets(notes: readonly string[]): string {
  return notes.length === 0 ? '' : ` (${notes.join(', ')})`;
}
