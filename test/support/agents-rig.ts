import type { Clock } from '../../src/clock.js';
import type { ClaimTokens } from '../../src/coordination/claims/tokens.js';
import type { CoordinationContext } from '../../src/coordination/context.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { type Hooks, MemoryStore } from './memory-bucket.js';

/** One terminal of one agent: what it needs to act, and the claims it remembers. */
export interface Terminal {
  readonly context: CoordinationContext;
  readonly held: ClaimTokens;
}

/** Agents around one simulated store, whose clock the test moves. Their own clocks say nothing of the time. */
export class AgentsRig {
  readonly store = new MemoryStore(true);
  readonly layout = bucketLayout('demo');

  constructor() {
    this.store.nowMs = Date.parse('2026-01-02T03:04:05Z');
  }

  terminal(agent: string, sessionId?: string, hooks: Hooks = {}): Terminal {
    return { context: this.context(agent, sessionId, hooks), held: rememberedHere() };
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
  reconnect({ context, held }: Terminal, hooks: Hooks = {}): Terminal {
    return { context: this.context(context.agent, context.sessionId, hooks), held };
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

export function rememberedHere(): ClaimTokens {
  const nonces = new Map<string, Set<string>>();
  const of = (step: string): Set<string> => {
    const known = nonces.get(step) ?? new Set<string>();
    nonces.set(step, known);
    return known;
  };
  return {
    of: async (step) => new Set(of(step)),
    add: async (step, nonce) => {
      of(step).add(nonce);
    },
    remove: async (step, nonce) => {
      of(step).delete(nonce);
    },
    keepOnly: async (step, nonce) => {
      for (const one of of(step)) if (one !== nonce) of(step).delete(one);
    },
  };
}
