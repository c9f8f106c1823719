import { describe, expect, it } from 'vitest';
import { decideClaim } from '../../src/coordination/claims/decision.js';
import { decideEnding } from '../../src/coordination/claims/ending.js';
import { statusOf } from '../../src/coordination/claims/follow-ups.js';
import { type ClaimOwnership, ownershipOf } from '../../src/coordination/claims/ownership.js';
import { isForeignEnding, isSettled } from '../../src/coordination/claims/settle.js';
import type {
  ClaimDocument,
  HandoffDocument,
  StatusDocument,
} from '../../src/protocol/coordination.js';

const ttlMs = 10_000;
const written = Date.parse('2026-03-04T05:06:07Z');

function claimOf(more: Partial<ClaimDocument>): ClaimDocument {
  return {
    agent: 'zed',
    session_id: null,
    host: null,
    nonce: 'z',
    epoch: 3,
    claimed_at: null,
    ttl_s: ttlMs / 1000,
    state: 'held',
    renewals: 0,
    ...more,
  };
}

function handoff(state: HandoffDocument['state'], more: Partial<HandoffDocument> = {}) {
  const empty = { from_agent: null, from_step: null, next_agent: null, next_action: null };
  return { schema: 2, ...empty, note: null, created_at: null, state, epoch: 3, ...more };
}

describe('who may claim a step', () => {
  const states = ['held', 'released', 'done', undefined] as const;
  const ages = [-5_000, 0, ttlMs, ttlMs + 999, ttlMs + 1_000, 10 * ttlMs];
  const statuses = [undefined, 'pending', 'in_progress', 'complete', 'blocked'] as const;
  const movers = [undefined, 'zed', 'ann'];
  const scenes = states.flatMap((state) =>
    ages.flatMap((age) =>
      [ttlMs / 1000, null].flatMap((ttl_s) =>
        statuses.flatMap((status) =>
          movers.flatMap((mover) =>
            [true, false].map((reopen) => ({ state, age, ttl_s, status, mover, reopen })),
          ),
        ),
      ),
    ),
  );

  it('depends on its state, its silence and the wish alone, and always begins a later epoch', () => {
    for (const scene of scenes) {
      const { state, age, ttl_s, mover, reopen } = scene;
      const document = claimOf({ ...(state === undefined ? {} : { state }), ttl_s });
      if (state === undefined) Reflect.deleteProperty(document, 'state');
      const status: StatusDocument | undefined =
        scene.status === undefined
          ? undefined
          : { status: scene.status, agent: null, started_at: null, epoch: 0 };
      const decision = decideClaim({
        claim: { document, modifiedAt: new Date(written) },
        status,
        now: new Date(written + age),
        reopen,
        mover,
      });
      // Only the older tool's claim has no state: its status says how far it is, and it never expires.
      const isOver = scene.status === 'complete' || scene.status === 'blocked';
      const isDone = state === 'done' || (state === undefined && isOver);
      const isSilent = state === 'held' && ttl_s !== null && age > ttlMs + 999;
      const isFree = isDone ? reopen : state === 'released' || isSilent || mover === 'zed';
      const seen = JSON.stringify(scene);
      expect('take' in decision, seen).toBe(isFree);
      if ('take' in decision) expect(decision.epoch, seen).toBe(4);
      else expect(decision.reject, seen).toBe(isDone ? 'done' : 'held');
    }
    expect(scenes).toHaveLength(4 * 6 * 2 * 5 * 3 * 2);
  });

  it('a step without a claim is free, after the epoch of its status', () => {
    const status: StatusDocument = { status: 'complete', agent: null, started_at: null, epoch: 7 };
    const scene = { claim: undefined, now: new Date(written), reopen: false, mover: undefined };
    expect(decideClaim({ ...scene, status })).toEqual({ take: 'fresh', epoch: 8 });
    expect(decideClaim({ ...scene, status: undefined })).toEqual({ take: 'fresh', epoch: 1 });
  });
});

describe('whose claim it is', () => {
  it('is for the nonces of the place to say, or for an epoch that is named', () => {
    for (const agent of ['zed', 'ann']) {
      for (const epoch of [undefined, 2, 3, 4]) {
        for (const nonces of [[], ['z'], ['y'], ['y', 'z']]) {
          for (const state of ['held', 'released', 'done'] as const) {
            const standing = ownershipOf(claimOf({ state }), {
              agent,
              epoch,
              nonces: new Set(nonces),
            });
            const isTheirs =
              epoch === undefined ? nonces.includes('z') : agent === 'zed' && epoch === 3;
            const hadIt = epoch === undefined ? nonces.length > 0 : epoch === 2;
            const other = hadIt ? 'fenced' : 'stranger';
            const own = state === 'held' ? 'holder' : 'ended';
            expect(standing).toBe(isTheirs ? own : other);
          }
        }
      }
    }
  });
});

describe('what "complete" does', () => {
  const table: Readonly<Record<string, readonly [plain: string, forced: string]>> = {
    'held holder': ['own', 'own'],
    'held fenced': ['refused', 'forced'],
    'held stranger': ['refused', 'forced'],
    'released ended': ['unclaimed', 'unclaimed'],
    'released fenced': ['refused', 'forced'],
    'released stranger': ['unclaimed', 'unclaimed'],
    'done ended': ['repeat', 'repeat'],
    'done fenced': ['refused', 'refused'],
    'done stranger': ['repeat', 'repeat'],
  };

  it.each(Object.entries(table))('%s', (scene, [plain, forced]) => {
    const [state, standing] = scene.split(' ');
    const claim = claimOf({ state: state as 'held' | 'released' | 'done' });
    expect(decideEnding(claim, standing as ClaimOwnership, false)).toBe(plain);
    expect(decideEnding(claim, standing as ClaimOwnership, true)).toBe(forced);
  });

  it('a step that nobody has claimed is claimed and ended', () => {
    expect(decideEnding(undefined, 'stranger', false)).toBe('unclaimed');
  });
});

describe('the status that follows from a claim', () => {
  it('never goes back: it belongs to the claim or to a later moment of the step', () => {
    const review = { by: 'rev', verdict: 'rejected', note: null, to: null, at: 'now' } as const;
    const life = [
      claimOf({ epoch: 3 }),
      claimOf({ epoch: 3, state: 'done', outcome: handoff('needs_review') }),
      claimOf({ epoch: 3, state: 'done', outcome: handoff('complete') }),
      claimOf({ epoch: 3, state: 'released', outcome: handoff('needs_review', { review }) }),
      claimOf({ epoch: 4 }),
      claimOf({ epoch: 4, state: 'done', outcome: handoff('blocked') }),
    ];
    for (const [now, claim] of life.entries()) {
      for (const [shown, other] of life.entries()) {
        expect(isSettled(claim, statusOf(other)), `${now} ${shown}`).toBe(shown >= now);
        expect(isForeignEnding(statusOf(other))).toBe(false);
      }
    }
  });

  it('a final one without an epoch is the older tool’s, and no other', () => {
    for (const status of [
      'pending',
      'in_progress',
      'complete',
      'blocked',
      'needs_review',
    ] as const) {
      for (const epoch of [0, 1]) {
        const isFinal = status !== 'pending' && status !== 'in_progress';
        const document: StatusDocument = { status, agent: null, started_at: null, epoch };
        expect(isForeignEnding(document), status).toBe(isFinal && epoch === 0);
      }
    }
  });
});

/** One process of the model: what it still does, and what it has read for the act under way. */
interface Actor {
  readonly agent: string;
  readonly acts: readonly ('claim' | 'mine' | 'renew' | 'complete' | 'force')[];
  readonly nonces: readonly string[];
  readonly read?: Stored;
  readonly told: readonly string[];
}

/** `claim.json`, and by how many TTLs it is old. */
interface Stored {
  readonly claim: ClaimDocument | undefined;
  readonly age: number;
}

interface State {
  readonly stored: Stored;
  readonly actors: readonly Actor[];
  readonly ticks: number;
}

describe('a model of claims whose decisions are the real ones', () => {
  const casts: Readonly<Record<string, readonly Actor[]>> = {
    'a holder, two that take over': [
      { agent: 'zed', acts: ['renew', 'complete'], nonces: ['z'], told: [] },
      { agent: 'ann', acts: ['claim', 'complete'], nonces: [], told: [] },
      { agent: 'bob', acts: ['claim'], nonces: [], told: [] },
    ],
    'a holder, the same name elsewhere, one that ends it by force': [
      { agent: 'zed', acts: ['renew', 'complete'], nonces: ['z'], told: [] },
      { agent: 'zed', acts: ['mine', 'complete'], nonces: [], told: [] },
      { agent: 'bob', acts: ['force'], nonces: [], told: [] },
    ],
  };

  it.each(Object.entries(casts))(
    '%s, in every order of reads, writes and time: one winner per epoch, none too early, done stays done',
    (_, actors) => {
      const seen = new Set<string>();
      const open: State[] = [
        { stored: { claim: claimOf({ epoch: 1 }), age: 0 }, actors, ticks: 1 },
      ];
      for (let state = open.pop(); state !== undefined; state = open.pop()) {
        const key = JSON.stringify(state);
        if (seen.has(key)) continue;
        seen.add(key);
        const problem = violated(state);
        if (problem !== undefined) throw new Error(`${problem}: ${key}`);
        open.push(...nextOf(state));
      }
      expect(seen.size).toBeGreaterThan(200);
    },
  );
});

function violated({ actors }: State): string | undefined {
  const won = actors.flatMap(({ told }) => told.filter((one) => one.startsWith('epoch')));
  return new Set(won).size < won.length ? 'two winners of one epoch' : undefined;
}

function nextOf(state: State): State[] {
  const { stored, ticks } = state;
  const later = { ...state, ticks: ticks - 1, stored: { ...stored, age: stored.age + 1 } };
  const moves = state.actors.flatMap((actor, place) => {
    const [act, ...acts] = actor.acts;
    if (act === undefined) return [];
    if (actor.read === undefined) return [replaced(state, place, { ...actor, read: stored })];
    const { read, ...over } = { ...actor, acts };
    const wish = decided(actor, act, read ?? stored, `${place}${acts.length}`);
    if (wish === undefined) return [replaced(state, place, over)];
    // The write is conditional: equal bytes are the same version.
    const isCurrent = JSON.stringify(read?.claim) === JSON.stringify(stored.claim);
    if (!isCurrent) return [replaced(state, place, over)];
    check(stored, wish, act);
    const isWon = act === 'claim' || act === 'mine';
    const told = isWon ? [...actor.told, `epoch ${wish.epoch}`] : actor.told;
    const nonces = [...actor.nonces, wish.nonce ?? ''];
    const next = replaced(state, place, { ...over, told, nonces });
    return [{ ...next, stored: { claim: wish, age: 0 } }];
  });
  return ticks > 0 ? [...moves, later] : moves;
}

/** What the act would write over what was read, by the real decisions. */
function decided(
  { agent, nonces }: Actor,
  act: Actor['acts'][number],
  { claim, age }: Stored,
  nonce: string,
): ClaimDocument | undefined {
  const dated =
    claim === undefined ? undefined : { document: claim, modifiedAt: new Date(written) };
  const now = new Date(written + age * (ttlMs + 1_000));
  const standing =
    claim === undefined ? 'stranger' : ownershipOf(claim, { agent, nonces: new Set(nonces) });
  if (act === 'renew') {
    const isHeld = claim !== undefined && standing === 'holder';
    return isHeld ? { ...claim, renewals: claim.renewals + 1 } : undefined;
  }
  if (act === 'claim' || act === 'mine') {
    const mover = act === 'mine' ? agent : undefined;
    const wish = { claim: dated, status: undefined, now, reopen: false, mover };
    const decision = decideClaim(wish);
    return 'take' in decision ? claimOf({ agent, nonce, epoch: decision.epoch }) : undefined;
  }
  const done = { state: 'done', outcome: handoff('complete', { note: nonce }) } as const;
  const decision = decideEnding(claim, standing, act === 'force');
  if (decision === 'own' && claim !== undefined) return { ...claim, ...done };
  if (decision === 'repeat' || decision === 'refused') return undefined;
  return claimOf({ agent, nonce, epoch: (claim?.epoch ?? 0) + 1, ...done });
}

/** What no write may do, whoever decided it and whenever it arrives. */
function check({ claim, age }: Stored, next: ClaimDocument, act: string): void {
  if (claim === undefined) return;
  const isSame = next.epoch === claim.epoch && next.nonce === claim.nonce;
  const isTaken = act === 'claim' && claim.state === 'held';
  const wrong = [
    claim.state === 'done' && 'what is done is replaced',
    !isSame && next.epoch !== claim.epoch + 1 && 'the epoch is not the next one',
    JSON.stringify(next) === JSON.stringify(claim) && 'the same bytes again',
    isTaken && age === 0 && 'taken over within a TTL',
  ].find((one) => one !== false);
  if (wrong !== undefined) throw new Error(`${act}: ${wrong}`);
}

function replaced(state: State, place: number, actor: Actor): State {
  return { ...state, actors: state.actors.map((one, index) => (index === place ? actor : one)) };
}
