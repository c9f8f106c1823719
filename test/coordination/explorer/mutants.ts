import { buildMutant, type Mutation } from '../../support/mutant-build.js';
import type { Scenarios } from './first-problem.js';

export interface Mutant {
  /** As the model of the protocol calls it. */
  readonly name: string;
  readonly mutations: readonly Mutation[];
  /** Scenarios of which at least one has to find it, by schedules from this seed on. */
  readonly scenarios: readonly string[];
  readonly seed?: number;
  /** Too rare for random schedules: looked for in every one. */
  readonly isRare?: boolean;
}

const claims = 'src/coordination/claims/';
const artifacts = 'src/coordination/artifacts/';

const blindStatus: Mutation = {
  file: `${claims}settle.ts`,
  from: "isForeignEnding(present) && claim.state !== 'done'",
  to: 'false',
};

export const mutants: readonly Mutant[] = [
  {
    name: 'first-no-is-final',
    scenarios: ['fresh', 'memory'],
    mutations: [
      {
        file: 'src/bucket/retry.ts',
        from: 'failure = refusedForNoReason(retry.bucket, write.key);',
        to: 'return outcome;',
      },
      {
        file: `${claims}claims.ts`,
        from: 'tried.push(mine);',
        to: "return reject(context, holders, { step, request, reason: 'held', holder: mine.claim });",
      },
    ],
  },
  {
    name: 'reclaim-renews',
    scenarios: ['samename'],
    mutations: [
      {
        file: `${claims}claims.ts`,
        from: 'const isHere = files.some(({ claim }) => claim.nonce === nonce);',
        to: "const isHere = files.some(({ claim }) => claim.nonce === nonce);\n  if (isHere) return { outcome: 'claimed', claim: holder };",
      },
    ],
  },
  {
    name: 'prune-all',
    scenarios: ['samecycle'],
    isRare: true,
    mutations: [
      {
        file: `${claims}holder-files.ts`,
        from: 'if (file.claim.epoch < epoch) await remove(file);',
        to: 'if (file.claim.epoch !== epoch) await remove(file);',
      },
    ],
  },
  {
    name: 'same-bytes',
    scenarios: ['takeover', 'renewal'],
    mutations: [
      {
        file: `${claims}renew.ts`,
        from: 'renewals: known.claim.renewals + 1',
        to: 'renewals: known.claim.renewals',
      },
    ],
  },
  {
    name: 'renew-by-heartbeat',
    scenarios: ['takeover', 'renewal'],
    mutations: [
      {
        file: `${claims}renew.ts`,
        from: 'const outcome = await place.bucket.putIfMatch(key, body, etag);',
        to: "await place.bucket.put(place.layout.agent('zed'), body);\n  const outcome = { written: true, etag };",
      },
    ],
  },
  {
    name: 'mail-by-completer',
    scenarios: ['handoff'],
    mutations: [
      {
        file: `${claims}settle.ts`,
        from: 'inParallel(followUpsOf(layout, step, claim),',
        to: "inParallel(followUpsOf(layout, step, claim).filter(({ key }) => !key.includes('/messages/') || place.agent === claim.agent),",
      },
    ],
  },
  {
    name: 'status-first',
    scenarios: ['handoff'],
    mutations: [
      {
        file: `${claims}settle.ts`,
        from: 'const handoff = handoffIn(claim);',
        to: 'await follow(bucket, statusAt(key, claim), { stored });\n  const handoff = handoffIn(claim);',
      },
    ],
  },
  {
    name: 'unconfirmed',
    scenarios: ['handoff'],
    seed: 130,
    mutations: [
      {
        file: `${claims}settle.ts`,
        from: 'createOnce(bucket, one)',
        to: 'createOnce(bucket, one).catch(() => undefined)',
      },
    ],
  },
  {
    name: 'repeat-drops',
    scenarios: ['repeat'],
    mutations: [
      {
        file: `${claims}finish-claim.ts`,
        from: 'done.agent !== context.agent || differs !== undefined',
        to: 'false',
      },
    ],
  },
  {
    name: 'force-replaces-done',
    scenarios: ['repeat'],
    mutations: [
      {
        file: `${claims}ending.ts`,
        from: "if (claim.state === 'done') return",
        to: "if (claim.state === 'done' && !force) return",
      },
    ],
  },
  {
    name: 'blind-review',
    scenarios: ['review'],
    mutations: [
      {
        file: `${claims}review.ts`,
        from: 'return await writeClaim(context, step, claim, { etag });',
        to: 'await context.bucket.put(context.layout.claim(step), Buffer.from(JSON.stringify(claim)));\n    return { written: true };',
      },
    ],
  },
  {
    name: 'v1-projection',
    scenarios: ['interop'],
    mutations: [
      blindStatus,
      { file: `${claims}fold.ts`, from: '!isForeignEnding(status)', to: 'true' },
    ],
  },
  { name: 'blind-status', scenarios: ['interop'], mutations: [blindStatus] },
  {
    name: 'fold-and-hope',
    scenarios: ['interop'],
    mutations: [
      {
        file: `${claims}fold.ts`,
        from: 'const { written } = await writeClaim(place, step, folded, claim);',
        to: 'const { written } = await writeClaim(place, step, folded, claim).catch(() => ({ written: false }));\n    if (!written) return { claim, stored, status };',
      },
    ],
  },
  {
    name: 'spec-per-step',
    scenarios: ['plan'],
    mutations: [
      {
        file: 'src/coordination/plan/plan-document.ts',
        from: ': await bucket.putIfMatch(key, body, etag);',
        to: ": { written: (await bucket.put(key, body)).etag !== '' };",
      },
      {
        file: 'src/coordination/plan/plan-document.ts',
        from: '? await bucket.putIfAbsent(key, body)',
        to: "? { written: (await bucket.put(key, body)).etag !== '' }",
      },
    ],
  },
  {
    name: 'ignore-needs',
    scenarios: ['next'],
    mutations: [
      {
        file: 'src/coordination/plan/board.ts',
        from: 'return unmet.length === 0 && isClaimable(view);',
        to: 'return isClaimable(view);',
      },
    ],
  },
  {
    name: 'look-then-put',
    scenarios: ['next', 'fresh'],
    mutations: [
      {
        file: `${claims}claims.ts`,
        from: 'const outcome = await writeClaim(context, step, claim, documents.claim);',
        to: 'const outcome = { written: true, ...(await context.bucket.put(context.layout.claim(step), Buffer.from(JSON.stringify(claim)))) };',
      },
    ],
  },
  {
    name: 'no-settling',
    scenarios: ['besteffort'],
    mutations: [
      { file: `${claims}document.ts`, from: 'await clock.sleep(visibilityDelayMs);', to: '' },
    ],
  },
  {
    name: 'blind-upload',
    scenarios: ['artifact'],
    seed: 40,
    mutations: [
      {
        file: `${artifacts}store-artifact.ts`,
        from: 'await bucket.putIfMatch(key, body, present.etag, { signal });',
        to: '{ written: true, ...(await bucket.put(key, body)) } as const;',
      },
    ],
  },
  {
    name: 'no-copy',
    scenarios: ['artifact'],
    seed: 170,
    mutations: [
      {
        file: `${artifacts}store-artifact.ts`,
        from: 'if (!(await keepCopy(bucket, key, present))) continue;',
        to: '',
      },
    ],
  },
  {
    name: 'copy-unconfirmed',
    scenarios: ['artifact'],
    seed: 636,
    mutations: [
      {
        file: `${artifacts}store-artifact.ts`,
        from: 'if (!(await keepCopy(bucket, key, present))) continue;',
        to: 'await keepCopy(bucket, key, present).catch(() => undefined);',
      },
    ],
  },
  {
    name: 'deadline-from-answer',
    scenarios: ['run'],
    seed: 200,
    mutations: [
      {
        file: 'src/coordination/run/run-step.ts',
        from: 'lease = { ttlMs, sentAt };',
        to: 'lease = { ttlMs, sentAt: nowOf(context) };',
      },
      {
        file: `${claims}claims.ts`,
        from: "return { outcome: 'claimed', how, claim, from, sentAt, isBestEffort: !isArbitrated(context) };",
        to: "const answeredAt = { wallMs: context.clock.now(), monotonicMs: context.clock.monotonic() };\n  return { outcome: 'claimed', how, claim, from, sentAt: answeredAt, isBestEffort: !isArbitrated(context) };",
      },
    ],
  },
  {
    name: 'no-deadline',
    scenarios: ['run'],
    mutations: [
      {
        file: 'src/coordination/run/lease.ts',
        from: 'return ttlMs - Math.max(',
        to: 'return 1e9 - Math.max(',
      },
    ],
  },
  {
    name: 'deadline-too-late',
    scenarios: ['run'],
    seed: 90,
    mutations: [
      {
        file: 'src/coordination/run/lease.ts',
        from: 'return ttlMs - Math.max(',
        to: 'return ttlMs + 4_000 - Math.max(',
      },
    ],
  },
];

/** The scenarios over code that makes the mistake. */
export async function mutated(
  mutations: readonly Mutation[],
): Promise<{ readonly module: Scenarios; remove(): Promise<void> }> {
  const { path, remove } = await buildMutant('test/coordination/explorer/scenarios.ts', mutations, {
    // What fails has not been found, see `firstProblem`.
    mayFail: true,
  });
  return { module: await import(path), remove };
}
