import { isArbitrated } from '../coordination/claims/document.js';
import type { Report } from '../coordination/claims/finish-claim.js';
import type { RunningCommand } from '../coordination/run/command.js';
import { runStep } from '../coordination/run/run-step.js';
import { LostError, messageOf, UnreachableError, UsageError } from '../errors.js';
import { checkName } from '../protocol/names.js';
import type { SdkContext } from './context.js';
import { textOf } from './environment.js';
import type { HeldStep, Ran, RunOptions, Work } from './run-types.js';
import { acquireStep, rejectedAnswer, stepOfName } from './steps.js';
import type { NotClaimed, Tracecraft } from './types.js';

const usualTtlMs = 5 * 60_000;

export function runsOf(acting: SdkContext): Pick<Tracecraft, 'run'> {
  return { run: (named, work, options) => runWork(acting, named, work, options ?? {}) };
}

async function runWork<Value>(
  acting: SdkContext,
  named: string,
  work: Work<Value>,
  options: RunOptions,
): Promise<Ran<Value> | NotClaimed> {
  const step = stepOfName(named);
  const { ttlMs = usualTtlMs, mine, force, onFailure = 'block', isLock = false } = options;
  if (!isArbitrated(acting.place) && ttlMs < 60_000) {
    throw new UsageError('this store does not arbitrate: ttlMs has to be at least a minute');
  }
  const said = sayingOf(acting, options);
  const won = await acquireStep(acting, step, { ttlMs, mine, force });
  if (won.outcome === 'rejected') return rejectedAnswer(step, won);
  const { epoch } = won.claim;
  const { context, holders } = await acting.coordination();
  let running: RunningWork<Value> | undefined;
  const { endedBy, outcome } = await runStep(context, holders, {
    step,
    won,
    ttlMs,
    start: () => {
      running = new RunningWork(work, { step, epoch }, (text) => acting.scrub('the error', text));
      return running;
    },
    onFailure,
    isLock,
    interrupted: new Promise(() => undefined),
    report: async () => said,
  });
  if (endedBy === 'fenced') throw new LostError(`fenced: step ${step} is not yours any more`);
  const result = running?.result;
  if (endedBy === 'contact' || result === undefined) {
    throw new UnreachableError(`the store was out of reach for too long to keep step ${step}`);
  }
  if ('error' in result) throw result.error;
  return { claimed: true, step, epoch, outcome, value: result.value };
}

function sayingOf(
  acting: SdkContext,
  { note, nextAgent }: RunOptions,
): Pick<Report, 'note' | 'nextAgent'> {
  return {
    note: note === undefined ? undefined : acting.scrub('the note', textOf('note', note)),
    nextAgent: nextAgent === undefined ? undefined : checkName('agent', nextAgent),
  };
}

/** A function in the place of a command: it can be asked to stop, but nothing can kill it. */
class RunningWork<Value> implements RunningCommand {
  readonly ended: Promise<number>;
  result: { readonly value: Value } | { readonly error: unknown } | undefined;
  readonly #stop = new AbortController();
  readonly #scrub: (text: string) => string;
  #abandon: () => void = () => undefined;

  constructor(work: Work<Value>, held: Omit<HeldStep, 'signal'>, scrub: (text: string) => string) {
    this.#scrub = scrub;
    const abandoned = new Promise<number>((resolve) => {
      this.#abandon = () => resolve(1);
    });
    this.ended = Promise.race([this.#start(work, held), abandoned]);
  }

  async #start(work: Work<Value>, held: Omit<HeldStep, 'signal'>): Promise<number> {
    try {
      this.result = { value: await work({ ...held, signal: this.#stop.signal }) };
      return 0;
    } catch (error) {
      this.result = { error };
      return 1;
    }
  }

  tail(): string {
    if (this.result === undefined || !('error' in this.result)) return '';
    const { error } = this.result;
    return this.#scrub(messageOf(error));
  }

  signal(name: NodeJS.Signals): void {
    this.#stop.abort();
    if (name === 'SIGKILL') this.#abandon();
  }
}
