import { hostname } from 'node:os';
import type { Bucket, Capabilities } from '../bucket/bucket.js';
import { createBucketIfMissing, openBucket } from '../bucket/open.js';
import { type ProbeFinding, probeBucket } from '../bucket/probe.js';
import { patientRetry, withRetry } from '../bucket/retry.js';
import { destinationFolder, recordProven } from '../config/destination.js';
import { type ConfigFile, tracecraftHome } from '../config/files.js';
import type { SettingsContext } from '../config/settings.js';
import { openTrustStore } from '../config/trust.js';
import { type GitIgnored, keepOutOfGit, refuseExisting, writeConfig } from '../config/write.js';
import { registerAgent } from '../coordination/agents/registration.js';
import { type LastTimestamp, openLastTimestamp } from '../coordination/last-timestamp.js';
import { UnsupportedError } from '../errors.js';
import { BucketIdentity } from '../mirror/state/bucket-identity.js';
import { bucketLayout } from '../protocol/keys.js';
import { userName } from '../system-user.js';
import { type InitPlan, planInit } from './plan.js';

/** What `init` did; each item was proven or read back. */
export interface InitOutcome {
  readonly file: ConfigFile;
  /** Safe to print. */
  readonly location: string;
  readonly isNewBucket: boolean;
  /** As the store itself reports it, if it can. */
  readonly visibility: 'private' | 'public' | undefined;
  readonly isNewAgent: boolean;
  /** What the store really arbitrates between racing writers. */
  readonly capabilities: Capabilities;
  /** What was tried and observed. Everything but the conditional writes holds, or `init` would have failed. */
  readonly findings: readonly ProbeFinding[];
  readonly gitIgnored: GitIgnored;
  /** The same of a bucket that is a folder. */
  readonly bucketIgnored: GitIgnored;
}

export interface InitOptions {
  /** An existing config is replaced. */
  readonly isOverwriting: boolean;
  /** Whether a bucket that is not there is created. */
  readonly mayCreate?: boolean;
  /** Whether a line for this file or folder may be added to its `.gitignore`; without it, it may. */
  readonly mayIgnore?: (path: string) => Promise<boolean>;
}

/**
 * Creates the bucket if missing, proves what it can do, registers the agent, and only then writes and trusts the
 * config: a failure on the way leaves no broken config.
 */
export async function applyInit(
  plan: InitPlan,
  context: SettingsContext,
  { isOverwriting, mayCreate = true, mayIgnore = async () => true }: InitOptions,
): Promise<InitOutcome> {
  await refuseExisting(plan.configPath, isOverwriting);
  const { isNew: isNewBucket, visibility } = mayCreate
    ? await createBucketIfMissing(plan.target, { visibility: plan.visibility })
    : { isNew: false, visibility: undefined };
  const bucket = await openBucket(plan.target);
  try {
    const probe = await probeBucket(bucket, bucketLayout(plan.config.project).root);
    requireBasics(bucket, probe.findings);
    const patient = withRetry(bucket, { ...patientRetry, clock: context.clock });
    const folder = destinationFolder(tracecraftHome(context), bucket.location, plan.config.project);
    await rememberProven(plan, context, folder, probe.capabilities);
    await acceptIdentity(plan, context, { ...patient, capabilities: probe.capabilities }, folder);
    const isNewAgent = await register(plan, {
      bucket: patient,
      capabilities: probe.capabilities,
      stamps: openLastTimestamp(context.io, folder),
    });
    const recorded = await record(plan, context, mayIgnore);
    const { location } = bucket;
    return { ...recorded, ...probe, location, isNewBucket, isNewAgent, visibility };
  } finally {
    await bucket.close();
  }
}

/** Much still works without conditional writes; nothing works without these. */
function requireBasics({ location }: Bucket, findings: readonly ProbeFinding[]): void {
  const basics: readonly ProbeFinding['check'][] = ['put', 'get', 'list', 'delete'];
  const missing = findings.find(({ check, ok }) => !ok && basics.includes(check));
  if (missing === undefined) return;
  throw new UnsupportedError(`${location} cannot be used: ${missing.check}: ${missing.message}`, {
    hint: 'Putting, getting, listing and deleting must be allowed: check the permissions and policy of the bucket.',
  });
}

/** For `watch` without any config: a local bucket for everything on this machine. */
export function initGlobally(context: SettingsContext): Promise<InitOutcome> {
  const plan = planInit({ isGlobal: true }, context, userName(context.env));
  return applyInit(plan, context, { isOverwriting: false });
}

interface ProvenBucket {
  readonly bucket: Bucket;
  readonly capabilities: Capabilities;
  readonly stamps: LastTimestamp;
}

/** Saves the first command another race. What could not be proven is tried again. */
async function rememberProven(
  { target }: InitPlan,
  { io }: SettingsContext,
  folder: string,
  capabilities: Capabilities,
): Promise<void> {
  const isProven = capabilities.putIfAbsent && capabilities.putIfMatch;
  if (target.backend !== 's3' || !isProven) return;
  // Optional: an unwritable folder must not stop anyone.
  await recordProven(io, folder, capabilities).catch(() => undefined);
}

/** What `init` has set up is the bucket to mirror into from now on, whatever was there before. */
async function acceptIdentity(
  { config }: InitPlan,
  { io }: SettingsContext,
  bucket: Bucket,
  folder: string,
): Promise<void> {
  const layout = bucketLayout(config.project);
  await new BucketIdentity({ bucket, layout, io, folder }).accept();
}

async function register({ config }: InitPlan, proven: ProvenBucket): Promise<boolean> {
  const { bucket, capabilities, stamps } = proven;
  const layout = bucketLayout(config.project);
  const registration = { agent: config.agent_id, host: hostname(), capabilities, stamps };
  const { isNew } = await registerAgent(bucket, layout, registration);
  return isNew;
}

async function record(
  { configPath, scope, config }: InitPlan,
  context: SettingsContext,
  mayIgnore: (path: string) => Promise<boolean>,
): Promise<Pick<InitOutcome, 'file' | 'gitIgnored' | 'bucketIgnored'>> {
  const { io, clock } = context;
  const ignore = (path: string) => keepOutOfGit(path, () => mayIgnore(path));
  const gitIgnored = scope === 'home' ? 'no-repository' : await ignore(configPath);
  // A bucket within a work tree would be committed with all that it holds.
  const bucketIgnored = config.backend === 'local' ? await ignore(config.bucket) : 'no-repository';
  const file = await writeConfig(io, configPath, scope, config);
  if (scope === 'project') await openTrustStore(context, io, clock).trust(file);
  return { file, gitIgnored, bucketIgnored };
}
