import { randomBytes } from 'node:crypto';
import { NotAllowedError, UnreachableError, UnsupportedError } from '../errors.js';
import type { Bucket, Capabilities, Conditional, Key, Prefix } from './bucket.js';

interface ProbeOptions {
  /** Concurrent writers in each race. */
  readonly writers?: number;
}

type ProbeCheck = 'put' | 'get' | 'list' | 'delete' | 'putIfAbsent' | 'putIfMatch';

export interface ProbeFinding {
  readonly check: ProbeCheck;
  readonly ok: boolean;
  /** One sentence: what was observed. */
  readonly message: string;
}

export interface ProbeResult {
  /** Only what was proven just now. */
  readonly capabilities: Capabilities;
  readonly findings: readonly ProbeFinding[];
}

/** A store may reject all concurrent writers (409). That proves nothing, so the race is rerun. */
const maxRaces = 3;

/**
 * Proves what this store does, on objects of its own below `<prefix>_probe/`; names and headers prove nothing. Cleans
 * up after itself. Pass a bucket wrapped in `withRetry`: R2, for one, accepts one write per second and key. Throws
 * whatever the first plain write throws (credentials, no bucket, no network), because then nothing can be learnt;
 * every other failure is a finding.
 */
export async function probeBucket(
  bucket: Bucket,
  prefix: Prefix,
  { writers = 8 }: ProbeOptions = {},
): Promise<ProbeResult> {
  const base = `${prefix}_probe/${randomBytes(8).toString('hex')}/`;
  const probe: Probe = { bucket, base, writers, used: new Set() };
  try {
    await bucket.put(keyOf(probe, 'plain'), document());
    const findings = [
      { check: 'put', ok: true, message: 'an object was written' } as const,
      await finding('get', () => readsBack(probe)),
      await finding('list', () => lists(probe)),
      await finding('putIfAbsent', () => createsOnce(probe)),
      await finding('putIfMatch', () => replacesOnce(probe)),
    ];
    findings.push(await finding('delete', () => deletes(probe)));
    const isProven = (check: ProbeCheck): boolean =>
      findings.some((one) => one.check === check && one.ok);
    const capabilities = {
      putIfAbsent: isProven('putIfAbsent'),
      putIfMatch: isProven('putIfMatch'),
    };
    return { capabilities, findings };
  } finally {
    await cleanUp(probe);
  }
}

interface Probe {
  readonly bucket: Bucket;
  readonly base: Prefix;
  readonly writers: number;
  /** What to remove at the end. */
  readonly used: Set<Key>;
}

/** What went wrong; `undefined` if all was as it should be. */
type Verdict = { readonly good: string } | { readonly bad: string };

async function finding(check: ProbeCheck, step: () => Promise<Verdict>): Promise<ProbeFinding> {
  try {
    const verdict = await step();
    if ('good' in verdict) return { check, ok: true, message: verdict.good };
    return { check, ok: false, message: verdict.bad };
  } catch (error) {
    if (!isOfTheStore(error)) throw error;
    return { check, ok: false, message: error.message };
  }
}

function isOfTheStore(
  error: unknown,
): error is NotAllowedError | UnsupportedError | UnreachableError {
  return (
    error instanceof NotAllowedError ||
    error instanceof UnsupportedError ||
    error instanceof UnreachableError
  );
}

async function readsBack(probe: Probe): Promise<Verdict> {
  const { bucket } = probe;
  const body = document();
  const key = keyOf(probe, 'read back');
  const { etag } = await bucket.put(key, body);
  const stored = await bucket.get(key);
  if (stored === undefined)
    return { bad: 'an object could not be read right after it was written' };
  if (!stored.body.equals(body)) return { bad: 'what was read is not what was written' };
  if (stored.etag !== etag) return { bad: 'an object was given two different ETags' };
  if ((await bucket.get(`${probe.base}nothing`)) !== undefined) {
    return { bad: 'an object was read that nobody wrote' };
  }
  return { good: 'what was written was read' };
}

async function lists(probe: Probe): Promise<Verdict> {
  const expected = ['b/1', 'a', 'c'].map((name) => keyOf(probe, `list/${name}`));
  for (const key of expected) await probe.bucket.put(key, document());
  const seen: Key[] = [];
  for await (const entry of probe.bucket.list(`${probe.base}list/`)) {
    if (entry.kind === 'object') seen.push(entry.key);
  }
  const isRight = seen.join('\n') === expected.sort().join('\n');
  if (!isRight) return { bad: 'a listing did not show, in order, what had just been written' };
  return { good: 'a listing showed what had just been written, in order' };
}

async function createsOnce(probe: Probe): Promise<Verdict> {
  const { bucket, writers } = probe;
  const key = keyOf(probe, 'create');
  const body = document();
  const first = await bucket.putIfAbsent(key, body);
  if (!first.written) return { bad: 'a missing object could not be created' };
  const second = await bucket.putIfAbsent(key, document());
  if (second.written || !(await holds(bucket, key, body))) {
    return { bad: 'an existing object was created again: the store ignores the condition' };
  }
  return race(probe, 'create', async (name) => {
    const contested = keyOf(probe, name);
    return {
      key: contested,
      write: (mine) => bucket.putIfAbsent(contested, mine),
      good: `of ${writers} concurrent writers, one created the object`,
    };
  });
}

async function replacesOnce(probe: Probe): Promise<Verdict> {
  const { bucket, writers } = probe;
  const key = keyOf(probe, 'replace');
  const { etag: stale } = await bucket.put(key, document());
  const body = document();
  const { etag: present } = await bucket.put(key, body);
  const refused = await bucket.putIfMatch(key, document(), stale);
  if (refused.written || !(await holds(bucket, key, body))) {
    return {
      bad: 'a writer that knew an older version replaced the object: the store ignores the condition',
    };
  }
  const accepted = await bucket.putIfMatch(key, document(), present);
  if (!accepted.written) return { bad: 'an object could not be replaced with the ETag it had' };
  const missing = await bucket.putIfMatch(`${probe.base}missing`, document(), present);
  probe.used.add(`${probe.base}missing`);
  if (missing.written) return { bad: 'a missing object was replaced' };
  return race(probe, 'replace', async (name) => {
    const contested = keyOf(probe, name);
    const { etag } = await bucket.put(contested, document());
    return {
      key: contested,
      write: (mine) => bucket.putIfMatch(contested, mine, etag),
      good: `of ${writers} concurrent writers, one replaced the object`,
    };
  });
}

async function deletes(probe: Probe): Promise<Verdict> {
  const { bucket } = probe;
  for (const key of [...probe.used]) {
    await bucket.delete(key);
    probe.used.delete(key);
  }
  for await (const entry of bucket.list(probe.base)) {
    const name = entry.kind === 'object' ? entry.key : entry.prefix;
    return { bad: `an object is still listed after it was deleted: ${name}` };
  }
  return { good: 'what was deleted is gone' };
}

interface SourceConflict {
  readonly key: Key;
  readonly write: (body: Buffer) => Promise<Conditional>;
  readonly good: string;
}

/**
 * Everyone writes something different under the same condition. At most one may win, and its body must be what is
 * stored.
 */
async function race(
  probe: Probe,
  name: string,
  prepare: (name: string) => Promise<SourceConflict>,
): Promise<Verdict> {
  for (let attempt = 1; attempt <= maxRaces; attempt += 1) {
    const contest = await prepare(`${name} race ${attempt}`);
    const bodies = Array.from({ length: probe.writers }, () => document());
    const outcomes = await Promise.all(bodies.map((body) => outcomeOf(contest.write(body))));
    const winners = bodies.filter((_, index) => outcomes[index] === 'won');
    const stored = await probe.bucket.get(contest.key);
    const owner = bodies.findIndex((body) => stored?.body.equals(body) === true);
    if (winners.length > 1) {
      return {
        bad: `${winners.length} of ${probe.writers} concurrent writers were told they had won`,
      };
    }
    if (winners.length === 1) {
      const isTheirs = owner >= 0 && outcomes[owner] === 'won';
      return isTheirs ? { good: contest.good } : { bad: 'the winner of a race was overwritten' };
    }
    if (owner >= 0 && outcomes[owner] === 'lost') {
      return { bad: 'a writer that was told it had lost had in fact written' };
    }
    // A writer whose answer was lost may still find its own body, as `withRetry` does.
    if (owner >= 0) return { good: contest.good };
  }
  return { bad: `nobody won any of ${maxRaces} races, which proves nothing; try again` };
}

async function outcomeOf(write: Promise<Conditional>): Promise<'won' | 'lost' | 'unknown'> {
  try {
    return (await write).written ? 'won' : 'lost';
  } catch (error) {
    if (error instanceof UnreachableError) return 'unknown';
    throw error;
  }
}

async function holds(bucket: Bucket, key: Key, body: Buffer): Promise<boolean> {
  return (await bucket.get(key))?.body.equals(body) === true;
}

function keyOf(probe: Probe, name: string): Key {
  const key = `${probe.base}${name.replaceAll(' ', '-')}`;
  probe.used.add(key);
  return key;
}

/** No two alike, so the stored body identifies its writer. */
function document(): Buffer {
  return Buffer.from(`${JSON.stringify({ probe: randomBytes(16).toString('hex') })}\n`);
}

async function cleanUp({ bucket, used }: Probe): Promise<void> {
  await Promise.allSettled([...used].map((key) => bucket.delete(key)));
}
