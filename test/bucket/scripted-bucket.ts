import type { Bucket, Conditional, Entry } from '../../src/bucket/bucket.js';
import { UnreachableError } from '../../src/errors.js';
import { type Operation, withCounts } from '../support/counting-bucket.js';

/**
 * What becomes of one call: 'applied' and answered; 'unsent', so not applied; 'unanswered', though applied; 'delayed', which
 * fails and is applied just before the next call of the same operation; 'refused', a conditional write's no; or any error.
 */
export type Fate = 'applied' | 'unsent' | 'unanswered' | 'delayed' | 'refused' | Error;

export interface ScriptedBucket extends Bucket {
  /** The fates of the next calls of an operation, in turn; what comes after them is applied. */
  script(operation: Operation, ...fates: readonly Fate[]): void;
  /** The next listings fail after so many entries, in turn. */
  failListsAfter(...entries: readonly number[]): void;
  /** How often each was called, failed calls included. */
  counts(): Readonly<Record<Operation, number>>;
}

export const lostAnswer = (): UnreachableError => new UnreachableError('scripted: no answer');

/** A real bucket whose answers fail as a test says. */
export function scripted(real: Bucket): ScriptedBucket {
  const fates = new Map<Operation, Fate[]>();
  const late = new Map<Operation, () => Promise<unknown>>();
  let failing: number[] = [];

  const run = async <T>(operation: Operation, call: () => Promise<T>): Promise<T> => {
    const overdue = late.get(operation);
    late.delete(operation);
    await overdue?.();
    const fate = fates.get(operation)?.shift() ?? 'applied';
    if (fate === 'applied') return call();
    if (fate === 'unanswered') await call();
    if (fate === 'delayed') late.set(operation, call);
    throw fate instanceof Error ? fate : lostAnswer();
  };

  const runConditional = async (
    operation: Operation,
    call: () => Promise<Conditional>,
  ): Promise<Conditional> => {
    if (fates.get(operation)?.[0] !== 'refused') return run(operation, call);
    fates.get(operation)?.shift();
    return { written: false };
  };

  const counted = withCounts({
    ...real,
    get: (...call) => run('get', () => real.get(...call)),
    put: (...call) => run('put', () => real.put(...call)),
    putIfAbsent: (...call) => runConditional('putIfAbsent', () => real.putIfAbsent(...call)),
    putIfMatch: (...call) => runConditional('putIfMatch', () => real.putIfMatch(...call)),
    putFile: (...call) => run('putFile', () => real.putFile(...call)),
    getFile: (...call) => run('getFile', () => real.getFile(...call)),
    delete: (...call) => run('delete', () => real.delete(...call)),
    now: (...call) => run('now', () => real.now(...call)),
    list: (...call) => cutOff(real.list(...call), failing.shift()),
  });
  return {
    ...counted,
    script: (operation, ...next) => fates.set(operation, [...next]),
    failListsAfter: (...entries) => {
      failing = [...entries];
    },
  };
}

async function* cutOff(
  entries: AsyncIterable<Entry>,
  after: number | undefined,
): AsyncGenerator<Entry> {
  let seen = 0;
  for await (const entry of entries) {
    if (seen === after) throw lostAnswer();
    seen += 1;
    yield entry;
  }
  if (after !== undefined) throw lostAnswer();
}
