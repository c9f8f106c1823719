import type { TimelineEntry } from './entry.js';

/** The part of an entry that leads to its cause. */
export type LinkedEntry = Pick<
  TimelineEntry,
  'timeNs' | 'type' | 'agent' | 'step' | 'to' | 'sessionId'
>;

/** A tool call that ran tracecraft. */
export interface Call {
  readonly stream: number;
  readonly line: number;
  readonly sessionId: string;
  /** The agent whose session it is. */
  readonly agent: string | null;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly command: string;
}

/** The commands that can cause an entry of a type. */
const makers: Readonly<Record<string, readonly string[]>> = {
  'agent.registered': ['init', 'heartbeat', 'claim'],
  'step.claimed': ['claim'],
  'step.claim_rejected': ['claim'],
  'step.taken_over': ['claim'],
  'step.released': ['release'],
  'step.completed': ['complete'],
  'step.blocked': ['complete'],
  'step.needs_review': ['complete'],
  'message.sent': ['send', 'complete'],
  'message.broadcast': ['send'],
  'memory.set': ['memory set'],
  'memory.deleted': ['memory delete'],
  'artifact.uploaded': ['artifact upload'],
};

const invocation = /\btracecraft\s+((?:memory|artifact)\s+[a-z]+|[a-z-]+)([^\n;&|]*)/g;

/** A call's time is when it started (or when its row was written); an entry's is when it took effect. */
const earlierMs = 5_000;
const laterMs = 600_000;

/** The call that caused an entry, by the entry's index; the latest match. `entries` are in order. */
export function toolCallLinks(
  entries: Iterable<LinkedEntry>,
  calls: readonly Call[],
): ReadonlyMap<number, Call> {
  const causes = new Map<number, Call>();
  if (calls.length === 0) return causes;
  const byTime = [...calls].sort((left, right) => left.timeMs - right.timeMs);
  let index = 0;
  for (const entry of entries) {
    const cause = causeOf(entry, byTime);
    if (cause !== undefined) causes.set(index, cause);
    index += 1;
  }
  return causes;
}

function causeOf(entry: LinkedEntry, byTime: readonly Call[]): Call | undefined {
  const ms = Number(entry.timeNs / 1_000_000n);
  const end = upperBound(byTime, ms + earlierMs);
  for (let at = end - 1; at >= 0; at -= 1) {
    const call = byTime[at];
    if (call === undefined || call.timeMs < ms - laterMs) return undefined;
    if (isWhose(entry, call) && isMaker(entry, call.command)) return call;
  }
  return undefined;
}

function isWhose({ sessionId, agent }: LinkedEntry, call: Call): boolean {
  if (sessionId !== null) return sessionId === call.sessionId;
  return agent !== null && agent === call.agent;
}

function isMaker({ type, step, to }: LinkedEntry, command: string): boolean {
  const verbs = Object.hasOwn(makers, type) ? (makers[type] ?? []) : [];
  for (const [, verb = '', rest = ''] of command.matchAll(invocation)) {
    const name = verb.replace(/\s+/g, ' ');
    if (!verbs.includes(name)) continue;
    const isAboutStep = ['claim', 'release', 'complete'].includes(name);
    if (isAboutStep && step !== null && !namesStep(rest, step)) continue;
    if (name === 'send' && to !== null && !words(rest).includes(to)) continue;
    return true;
  }
  return false;
}

function namesStep(args: string, step: string): boolean {
  return words(args).some((word) => word.toLowerCase().replaceAll('.', '-') === step);
}

function words(args: string): readonly string[] {
  return args.split(/[\s"'=]+/);
}

function upperBound(calls: readonly Call[], ms: number): number {
  let [low, high] = [0, calls.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((calls[middle]?.timeMs ?? 0) <= ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
