import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Bucket } from '../bucket/bucket.js';
import { codeOf } from '../bucket/disk-errors.js';
import { exposureOf } from '../bucket/exposure.js';
import { openBucket } from '../bucket/open.js';
import { type ProbeFinding, probeBucket } from '../bucket/probe.js';
import { withRetry } from '../bucket/retry.js';
import type { Clock } from '../clock.js';
import { openableTarget, type Settings } from '../config/settings.js';
import { NotAllowedError, NotFoundError, TracecraftError, UnreachableError } from '../errors.js';
import { bucketLayout } from '../protocol/keys.js';
import { credentialPlaces } from './config.js';
import type { Examined, Finding } from './finding.js';

interface ExaminedStore {
  readonly examined: Examined;
  /** Open; the caller closes it. `undefined` if it is unusable. */
  readonly bucket: Bucket | undefined;
}

interface StoreContext {
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

/** A few seconds at most: someone is waiting. */
const retries = { attempts: 4, baseMs: 250, maxMs: 1_500 } as const;
/** Where a wrong clock starts to show: stores refuse signatures at 15 minutes. */
const toleratedSkewMs = 30_000;

/**
 * Whether the bucket can be reached and used, by whom, and how it really behaves. Writes and
 * removes objects of our own.
 */
export async function examineStore(context: StoreContext): Promise<ExaminedStore> {
  const { settings, env, clock } = context;
  const places = await credentialPlaces(settings, env);
  const facts = places.length === 0 ? [] : [`credentials in ${places.join(', ')}`];
  let bucket: Bucket | undefined;
  try {
    bucket = withRetry(await openBucket(openableTarget(settings)), { ...retries, clock });
    const { root } = bucketLayout(settings.project);
    const { findings } = await probeBucket(bucket, root);
    const exposed = await examineExposure(bucket, context);
    const skewMs = settings.target.backend === 'local' ? 0 : await skewOf(bucket, clock);
    return {
      bucket,
      examined: {
        check: 'bucket',
        facts: [
          bucket.location,
          ...facts,
          ...findings.filter(({ ok }) => ok).map(({ check, message }) => `${check}: ${message}`),
          ...exposed.facts,
          ...(settings.target.backend === 'local'
            ? []
            : [`its clock and ours differ by ${(Math.abs(skewMs) / 1000).toFixed(1)} s`]),
        ],
        findings: [...judgeProbe(bucket, findings), ...exposed.findings, ...judgeSkew(skewMs)],
      },
    };
  } catch (error) {
    await bucket?.close();
    if (!(error instanceof TracecraftError)) throw error;
    const finding =
      settings.target.backend === 'local'
        ? await judgeFolderFailure(error, settings.target.root)
        : judgeFailure(error, places.length > 0);
    return { bucket: undefined, examined: { check: 'bucket', facts, findings: [finding] } };
  }
}

async function judgeFolderFailure(error: TracecraftError, root: string): Promise<Finding> {
  if (!(error instanceof NotAllowedError)) return judgeFailure(error, true);
  if (codeOf(error.cause) === undefined) {
    const fix = error.hint ?? 'Name another folder in the config.';
    return { name: 'bucket-unusable', severity: 'error', message: error.message, fix };
  }
  const isReadable = await access(root, constants.R_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  return {
    name: isReadable ? 'bucket-read-only' : 'bucket-forbidden',
    severity: 'error',
    message: error.message,
    fix: isReadable
      ? `What only reads works. To write, this user needs the right to: ls -ld '${root}'`
      : `This user needs the right to read and write there: ls -ld '${root}'`,
  };
}

function judgeFailure(error: TracecraftError, hasCredentials: boolean): Finding {
  const fix = error.hint ?? 'Check the config: tracecraft init --force writes a new one.';
  const finding = (name: string): Finding => ({
    name,
    severity: 'error',
    message: error.message,
    fix,
  });
  if (error instanceof NotAllowedError) {
    return finding(hasCredentials ? 'credentials-refused' : 'credentials-missing');
  }
  if (error instanceof NotFoundError) return finding('bucket-missing');
  if (error instanceof UnreachableError) return finding('bucket-unreachable');
  return finding('bucket-unusable');
}

const conditional: readonly ProbeFinding['check'][] = ['putIfAbsent', 'putIfMatch'];

function judgeProbe({ kind, location }: Bucket, findings: readonly ProbeFinding[]): Finding[] {
  const failed = findings.filter(({ ok }) => !ok);
  const races = failed.filter(({ check }) => conditional.includes(check));
  const basics = failed.filter(({ check }) => !conditional.includes(check));
  const found: Finding[] = basics.map(({ check, message }) => ({
    name: `cannot-${check}`,
    severity: 'error',
    message: `${check}: ${message}.`,
    fix: 'Putting, getting, listing and deleting must be allowed: check the policy of the bucket.',
  }));
  if (races.length === 0) return found;
  const seen = races.map(({ check, message }) => `${check}: ${message}`).join('; ');
  const isKnown = kind === 'hf';
  found.push({
    name: isKnown ? 'claims-best-effort' : 'writes-not-arbitrated',
    severity: isKnown ? 'note' : 'error',
    message: isKnown
      ? 'Hugging Face has no conditional writes: claims are best-effort there, and each session must be mirrored from one machine only.'
      : `${location} does not arbitrate conditional writes (${seen}): two agents may both win a claim.`,
    fix: isKnown
      ? 'For claims that hold: its S3 gateway (tracecraft init --backend s3 --endpoint https://s3.hf.co/<namespace>).'
      : 'Use a store that does, e.g. Amazon S3, Cloudflare R2, MinIO, Ceph, or a local folder.',
  });
  return found;
}

async function examineExposure(
  bucket: Bucket,
  { settings }: StoreContext,
): Promise<Pick<Examined, 'facts' | 'findings'>> {
  const { root } = bucketLayout(settings.project);
  const key = `${root}_probe/${randomBytes(8).toString('hex')}/public`;
  await bucket.put(key, Buffer.from('{}\n'));
  const exposure = await exposureOf(settings.target, key).finally(() => bucket.delete(key));
  const facts = [
    exposure === 'unknown' ? 'who can read it cannot be determined from here' : exposure,
  ];
  if (exposure !== 'public') return { facts, findings: [] };
  const isFolder = bucket.kind === 'local';
  const finding: Finding = {
    name: isFolder ? 'bucket-readable' : 'bucket-public',
    severity: isFolder ? 'warning' : 'error',
    message: isFolder
      ? `Other users of this machine can read ${bucket.location}.`
      : `${bucket.location} is PUBLIC: anyone can read your transcripts.`,
    fix: isFolder
      ? `chmod 700 '${bucket.location}'`
      : 'Make it private where it is hosted, unless you want it public.',
  };
  return { facts, findings: [finding] };
}

async function skewOf(bucket: Bucket, clock: Clock): Promise<number> {
  return clock.now() - (await bucket.now()).getTime();
}

function judgeSkew(skewMs: number): Finding[] {
  if (Math.abs(skewMs) <= toleratedSkewMs) return [];
  const direction = skewMs > 0 ? 'ahead of' : 'behind';
  return [
    {
      name: 'clock-skew',
      severity: 'warning',
      message: `This machine's clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${direction} the store's. Claims and mail use the store's clock, so nothing breaks, but times in transcripts are off.`,
      fix: 'Let the system synchronise its clock (NTP), e.g. sudo timedatectl set-ntp true',
    },
  ];
}
