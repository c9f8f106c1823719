import { createHash } from 'node:crypto';
import { resolvePin } from '../../../src/coordination/artifacts/pinned.js';
import { storeBody } from '../../../src/coordination/artifacts/store-artifact.js';
import { renewHeld } from '../../../src/coordination/claims/renew.js';
import { review } from '../../../src/coordination/claims/review.js';
import { refuseReplacing } from '../../../src/coordination/claims/step-artifacts.js';
import { readStep, settleAll } from '../../../src/coordination/claims/steps.js';
import type { CoordinationContext } from '../../../src/coordination/context.js';
import { claim, end, faults, heldByZed } from './claim-scenarios.js';
import { layout, type Scenario, type World } from './world.js';

const artifactKey = layout.artifact('s', 'patch');

function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

/** Whether somebody's upload may replace what is there is for `mayReplace`; the bytes are safe without it. */
async function upload(
  { bucket }: CoordinationContext,
  text: string,
  mayReplace: (() => Promise<void>) | undefined,
): Promise<undefined> {
  await storeBody(bucket, artifactKey, Buffer.from(text), { mayReplace, signal: undefined });
  return undefined;
}

/** Uploads, and hands over what is there after that. */
async function handOver(world: World): Promise<{ readonly said?: string | undefined } | undefined> {
  const context = world.context('zed');
  const holders = world.place('zed');
  await upload(context, 'of zed', () => refuseReplacing(context, holders, { step: 's' }));
  const stored = await context.bucket.get(artifactKey);
  if (stored === undefined) return undefined;
  const { etag, size, body } = stored;
  const artifacts = [{ name: 's/patch', etag, size, sha256: sha256(body) }];
  return end(context, holders, 'handed over', { artifacts });
}

async function everyPin(world: World): Promise<string | undefined> {
  const { bucket } = world.calm('late');
  for (const pin of world.claims.at(-1)?.outcome?.artifacts ?? []) {
    const found = await resolvePin({ bucket, layout }, pin).catch(() => undefined);
    const stored = found === undefined ? undefined : await bucket.get(found.key);
    if (stored === undefined || sha256(stored.body) !== pin.sha256) {
      return 'what was handed over is not there any more';
    }
  }
  return undefined;
}

/** Whoever looks next finds all of a completion, once. */
async function isWhole(world: World): Promise<string | undefined> {
  const view = await readStep(world.calm('late'), 's');
  if (view?.status !== 'complete') return undefined;
  const keys = [...world.scheduled.store.objects.keys()];
  const mail = keys.filter((key) => key.startsWith(layout.messages('rev')));
  if (mail.length !== 1) return `the next agent has ${mail.length} messages of one handoff`;
  const endings = keys
    .filter((key) => key.startsWith(layout.events()))
    .filter((key) => world.json(key)?.type === 'step.completed');
  if (endings.length !== 1) return `${endings.length} events of one completion`;
  const isMissing = [layout.handoff('s'), layout.status('s')].some((key) => !keys.includes(key));
  return isMissing ? 'something is missing' : undefined;
}

export const handoffScenarios = {
  handoff: {
    budget: { ...faults, crash: 1 },
    prepare: heldByZed,
    start: (world) => {
      world.process('zed', () => end(world.context('zed'), world.place('zed'), 'zed'));
      world.process('rev', async () => {
        await settleAll(world.context('rev'));
        return {};
      });
    },
    finish: isWhole,
  },
  repeat: {
    budget: faults,
    prepare: heldByZed,
    start: (world) => {
      const zed = world.place('zed');
      world.process('z1', () => end(world.context('z1', 'zed'), zed, 'one'));
      world.process('z2', () => end(world.context('z2', 'zed'), zed, 'two'));
      world.process('fay', () =>
        end(world.context('fay'), world.place('fay'), 'forced', { force: true }),
      );
    },
    check: (world) => {
      const now = world.claims.at(-1)?.outcome?.note;
      const isDropped = world.exits0().some(([, { said }]) => said !== now);
      return isDropped ? 'exit 0, and what was said is not what is handed over' : undefined;
    },
  },
  unclaimed: {
    budget: { ...faults, crash: 1 },
    start: (world) => {
      for (const agent of ['ann', 'bob']) {
        world.process(agent, () => end(world.context(agent), world.place(agent), agent));
      }
      world.process('cat', () => claim(world.context('cat'), world.place('cat')));
    },
    check: (world) =>
      world.winners() ?? (world.exits0().length > 1 ? 'two were told 0' : undefined),
  },
  review: {
    budget: faults,
    prepare: async (world) => {
      await heldByZed(world);
      await end(world.calm('zed'), world.place('zed'), 'look', { outcome: 'needs_review' });
    },
    start: (world) => {
      for (const [actor, verdict] of [
        ['ann', 'approved'],
        ['bob', 'rejected'],
      ] as const) {
        world.process(actor, async () => {
          await review(world.context(actor), { step: 's', verdict, note: actor });
          return { said: actor };
        });
      }
      world.process('cat', () => claim(world.context('cat'), world.place('cat'), { reopen: true }));
    },
    check: (world) => {
      const verdicts = world.exits0().filter(([, { said }]) => said !== undefined);
      return verdicts.length > 1 ? 'approved and rejected' : world.winners();
    },
  },
  artifact: {
    budget: { ...faults, crash: 1 },
    prepare: async (world) => {
      await heldByZed(world);
      await world.scheduled.store.client().put(artifactKey, Buffer.from('before'));
    },
    start: (world) => {
      world.process('yan', () => upload(world.context('yan'), 'of yan', undefined));
      world.process('zed', () => handOver(world));
    },
    finish: everyPin,
  },
  interop: {
    budget: { ...faults, crash: 1 },
    start: (world) => {
      world.process('ann', async () => {
        const context = world.context('ann');
        await claim(context, world.place('ann'));
        await renewHeld(context, world.place('ann'), { isForced: true });
        return end(context, world.place('ann'), 'ann');
      });
      const older = world.scheduled.client('older', { sturdy: true });
      const body = Buffer.from('{"status": "complete", "agent": "older"}');
      const write = (): Promise<unknown> => older.put(layout.status('s'), body).catch(write);
      const written = write();
      world.process('older', async () => {
        await written;
        return {};
      });
      world.process('reader', async () => {
        await written;
        const view = await readStep(world.context('reader', 'reader', { sturdy: true }), 's');
        return { said: view?.status };
      });
    },
    check: (world) => {
      const told = world.ends.get('reader');
      const isWrong = told?.exit === 0 && told.said !== 'complete';
      return isWrong ? `a reader was told: ${told.said}` : undefined;
    },
    finish: async (world) => {
      const status = (await readStep(world.calm('late'), 's'))?.status;
      return status === 'complete' ? undefined : `the older tool completed it: ${status}`;
    },
  },
} satisfies Record<string, Scenario>;
