import type { Clock } from '../../src/clock.js';
import type { HolderFile, HolderFiles } from '../../src/coordination/claims/holder-files.js';
import type { CoordinationContext } from '../../src/coordination/context.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { type Hooks, MemoryStore } from './memory-bucket.js';

/** One terminal of one agent: what it needs to act, and the claims it remembers. */
export interface Terminal {
  readonly context: CoordinationContext;
  readonly holders: HolderFiles;
}

/** Agents around one simulated store, whose clock the test moves. Their own clocks say nothing of the time. */
export class AgentsRig {
  readonly store = new MemoryStore(true);
  readonly layout = bucketLayout('demo');

  constructor() {
    this.store.nowMs = Date.parse('2026-01-02T03:04:05Z');
  }

  terminal(agent: string, sessionId?: string, hooks: Hooks = {}): Terminal {
    return { context: this.context(agent, sessionId, hooks), holders: rememberedHere() };
  }

  context(agent: string, sessionId?: string, hooks: Hooks = {}): CoordinationContext {
    return {
      bucket: this.store.client(hooks),
      layout: this.layout,
      agent,
      host: 'box',
      ...(sessionId === undefined ? {} : { sessionId }),
      clock: wrongClock,
    };
  }

  /** The same terminal after a restart, or with another connection. */
  reconnect({ context, holders }: Terminal, hooks: Hooks = {}): Terminal {
    return { context: this.context(context.agent, context.sessionId, hooks), holders };
  }

  advance(ms: number): void {
    this.store.nowMs += ms;
  }

  /** A JSON object of the store, `undefined` when there is none. */
  json(key: string): Record<string, unknown> | undefined {
    const object = this.store.objects.get(key);
    return object === undefined ? undefined : JSON.parse(object.body.toString('utf8'));
  }

  events(type: string): Record<string, unknown>[] {
    return [...this.store.objects.keys()]
      .filter((key) => key.startsWith(this.layout.events()))
      .sort()
      .map((key) => this.json(key) ?? {})
      .filter((event) => event.type === type);
  }

  /** Everything below `steps/`, for comparing. */
  steps(): Record<string, string> {
    return Object.fromEntries(
      [...this.store.objects]
        .filter(([key]) => key.startsWith(this.layout.steps()))
        .map(([key, { body }]) => [key, body.toString('utf8')]),
    );
  }
}

/** Years away from the store's, and never the same distance: whoever relies on it is found out. */
const wrongClock: Clock = {
  now: () => Math.trunc(Math.random() * 1e12),
  monotonic: () => performance.now(),
  sleep: async () => undefined,
};

export function rememberedHere(files = new Map<string, HolderFile>()): HolderFiles {
  const nameOf = ({ step, claim }: Pick<HolderFile, 'step' | 'claim'>): string =>
    `${step}/${claim.epoch}-${claim.nonce}`;
  const of = (step: string): HolderFile[] => [...files.values()].filter((one) => one.step === step);
  return {
    of: async (step) => of(step),
    all: async () => [...files.values()],
    keep: async (file) => {
      files.set(nameOf(file), file);
    },
    remove: async (file) => {
      files.delete(nameOf(file));
    },
    pruneOlder: async (step, epoch) => {
      for (const one of of(step)) if (one.claim.epoch < epoch) files.delete(nameOf(one));
    },
  };
}
