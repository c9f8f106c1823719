import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { sessionUuid } from '../../support/claude-tree.js';
import { MirrorRig } from '../../support/mirror-rig.js';
import {
  type AgentDatabase,
  assistantEvent,
  type Event,
  headerEvent,
  lineOf,
  userEvent,
} from '../../support/openclaw-database.js';
import {
  type AgentFolder,
  OpenClawState,
  type TranscriptFile,
} from '../../support/openclaw-state.js';

type Step =
  | {
      readonly do:
        | 'say'
        | 'say much'
        | 'upgrade'
        | 'import'
        | 'compact'
        | 'lay aside'
        | 'end'
        | 'publish';
    }
  | { readonly do: 'mirror'; readonly keepsState: boolean };

/** One session as OpenClaw keeps it: in a file at first, in the database after the upgrade, and then in what is left of it. */
class History {
  readonly #agent: AgentFolder;
  readonly #database: AgentDatabase;
  readonly #file: TranscriptFile;
  readonly id = sessionUuid();
  events: Event[];
  #place: 'file' | 'both' | 'database' | 'aside' | 'archive' | 'over' = 'file';
  #archive = '';
  #backups = 0;

  constructor(agent: AgentFolder, database: AgentDatabase) {
    this.#agent = agent;
    this.#database = database;
    this.#file = this.#agent.transcript(this.id);
    this.events = [headerEvent(this.id)];
  }

  async begin(): Promise<void> {
    await this.#file.append(...this.events);
  }

  async take(step: Exclude<Step, { do: 'mirror' }>['do']): Promise<void> {
    if (step === 'say' || step === 'say much') return this.#say(step === 'say much');
    if (step === 'import' && this.#place === 'file') return this.#import();
    if (step === 'upgrade' && (this.#place === 'file' || this.#place === 'both')) {
      await this.#database.importFile(this.#file.path);
      this.#place = 'database';
    }
    if (step === 'compact') return this.#compact();
    if (step === 'lay aside' && this.#place === 'database') {
      await this.#database.layAside(this.id, this.events.length % 2 === 0 ? 'file' : 'sqlite');
      this.#place = 'aside';
    }
    if (step === 'end') return this.#end();
    if (step === 'publish' && this.#place === 'archive') {
      await this.#database.publish(this.#archive);
      this.#place = 'over';
    }
  }

  async #import(): Promise<void> {
    await this.#database.importRows(this.#file.path);
    this.#place = 'both';
  }

  async #say(isMuch: boolean): Promise<void> {
    const event = isMuch ? assistantEvent('much '.repeat(2_000)) : userEvent('said');
    if (this.#place === 'file') await this.#file.append(event);
    else if (this.#place !== 'database') return;
    else if (isMuch) this.#database.appendPacked(this.id, event);
    else this.#database.append(this.id, event);
    this.events.push(event);
  }

  async #compact(): Promise<void> {
    const [header, ...rest] = this.events;
    if (header === undefined || (this.#place !== 'file' && this.#place !== 'database')) return;
    // What is merely shorter than before is waited for, not begun anew.
    if (rest.length < 2) return;
    this.events = [header, ...rest.slice(Math.floor(rest.length / 2))];
    if (this.#place === 'database') return this.#database.rewrite(this.id, ...this.events);
    this.#backups += 1;
    await this.#file.setAside('bak', `2026-11-22T06-17-${10 + this.#backups}.000Z`);
    await this.#file.append(...this.events);
  }

  async #end(): Promise<void> {
    if (this.#place === 'file') {
      await this.#file.setAside('reset', '2026-11-22T07-00-00.000Z');
      this.#place = 'over';
    }
    if (this.#place !== 'database') return;
    this.#archive = this.#database.delete(this.id);
    this.#place = 'archive';
  }
}

const mirror = fc.record({ do: fc.constant('mirror' as const), keepsState: fc.boolean() });
const growing = fc.constantFrom(
  ...(['say', 'say', 'say much', 'import', 'upgrade', 'lay aside', 'end', 'publish'] as const),
);

function script(steps: fc.Arbitrary<Exclude<Step, { do: 'mirror' }>['do']>): fc.Arbitrary<Step[]> {
  const plain = steps.map((one) => ({ do: one }));
  return fc.array(fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: mirror }), {
    minLength: 2,
    maxLength: 14,
  });
}

let cleanUp: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const step of cleanUp) await step();
  cleanUp = [];
});

async function play(steps: readonly Step[]) {
  const rig = await MirrorRig.create();
  const state = OpenClawState.in(rig.tree.home);
  cleanUp.push(
    () => state.remove(),
    () => rig.remove(),
  );
  const agent = state.agent();
  const history = new History(agent, await agent.database());
  await history.begin();
  const seen = new Set<string>();
  for (const step of [...steps, { do: 'mirror', keepsState: true } as const]) {
    if (step.do !== 'mirror') {
      await history.take(step.do);
      continue;
    }
    if (!step.keepsState) await rm(rig.stateFolder, { recursive: true, force: true });
    const run = rig.once();
    expect((await run.ended).behind).toEqual([]);
    expect(run.troubles).toEqual([]);
    for (const event of history.events) seen.add(lineOf(event));
  }
  const verdicts = [...(await rig.verdicts())].map(([name, { state: one }]) => `${name} ${one}`);
  expect(verdicts.filter((one) => !one.endsWith(' ok'))).toEqual([]);
  const parts: string[] = [];
  for (const key of await rig.keys()) {
    if (/part-[^/]*\.jsonl$/.test(key))
      parts.push((await rig.bucket.get(key))?.body.toString() ?? '');
  }
  return { history, seen, shipped: parts.join('') };
}

describe('whatever happens to a session', () => {
  it('its events are uploaded once and in order, as long as none is rewritten', async () => {
    await fc.assert(
      fc.asyncProperty(script(growing), async (steps) => {
        const { history, shipped } = await play(steps);
        expect(shipped).toBe(history.events.map(lineOf).join(''));
      }),
      { numRuns: 15 },
    );
  }, 120_000);

  it('no event that was ever seen is left out, even with compactions', async () => {
    const steps = fc.oneof(growing, fc.constant('compact' as const));
    await fc.assert(
      fc.asyncProperty(script(steps), async (taken) => {
        const { seen, shipped } = await play(taken);
        for (const line of seen) expect(shipped).toContain(line);
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});
