import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { tooFast } from '../support/hub/faults.js';
import { startHub } from '../support/hub/hub.js';
import { createCliWorld } from '../support/run-cli.js';

const isFull = process.env.TRACECRAFT_SOAK === 'full';
const sessions = isFull ? 16 : 4;
/** How long they write, in ms; the first part does not count, since pauses are still growing. */
const busyMs = isFull ? 150_000 : 6_000;
const warmMs = isFull ? 30_000 : 0;
/** Calls of the API in five minutes: https://huggingface.co/docs/hub/rate-limits */
const limit = 1_000;

it(`${sessions} busy sessions stay within the Hub's rate limit, and a refusal loses nothing`, async () => {
  const world = await createCliWorld();
  const hub = await startHub();
  try {
    const env = {
      HF_ENDPOINT: hub.endpoint,
      HF_TOKEN: hub.token({ name: 'ann', role: 'write' }),
    };
    const init = ['init', '--backend', 'hf', '--bucket', 'ann/traces', '--project', 'p'];
    expect(await world.run(init, { env })).toMatchObject({ code: 0 });
    const ids = Array.from({ length: sessions }, () => sessionUuid());
    const transcripts = ids.map(
      (id) => new Transcript(join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`)),
    );
    const context = (index: number) => ({ sessionId: ids[index] ?? '', cwd: world.project });
    for (const [index, one] of transcripts.entries())
      await one.append(userRow('0', context(index)));
    hub.faults.delayAll(() => 20 + Math.random() * 80);
    const calls = (): number => hub.seen.filter((one) => / \/api\//.test(one)).length;
    const watch = world.start(['watch'], { env });
    const ended = once(watch, 'close');
    const startMs = performance.now();
    const isWriting = (): boolean => performance.now() - startMs < busyMs;
    const writing = transcripts.map(async (one, index) => {
      for (let row = 1; isWriting(); row += 1) {
        await one.append(userRow(`row ${row}`, context(index)));
        await sleep(300 + Math.random() * 1_400);
      }
    });
    await sleep(warmMs);
    const before = calls();
    const fromMs = performance.now();
    if (!isFull) hub.faults.next(/POST .*\/batch/, tooFast(1), tooFast(1), tooFast(2));
    await Promise.all(writing);
    const per300 = ((calls() - before) / (performance.now() - fromMs)) * 300_000;
    const parts = (): number =>
      [...(hub.buckets.get('ann/traces')?.files.keys() ?? [])].filter((path) =>
        path.includes('/part-'),
      ).length;
    if (isFull) {
      const kinds = new Map<string, number>();
      for (const one of hub.seen.slice()) {
        const kind = one.replace(/\?.*/, '').replace(/resolve.*|tree.*|content.*|default.*/, '');
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      }
      process.stderr.write(`${per300.toFixed(0)} calls in five minutes, ${parts()} parts\n`);
      process.stderr.write(`${JSON.stringify([...kinds].slice(0, 12))}\n`);
      expect(per300).toBeLessThan(limit);
    }
    watch.kill('SIGTERM');
    await ended;
    hub.faults.clear();
    expect(await world.run(['watch', '--once', '--all'], { env })).toMatchObject({ code: 0 });
    for (const [index, one] of transcripts.entries()) {
      const source = await readFile(one.path, 'utf8');
      const tail = String(source.split('\n').length);
      const show = ['session', 'show', ids[index] ?? '', '--raw', '--tail', tail];
      expect((await world.run(show, { env })).stdout).toBe(source);
    }
    const batches = hub.seen.filter((one) => one.endsWith('/batch')).length;
    // Parts that were due at the same moment went up together.
    if (isFull) expect(batches).toBeLessThan(parts());
  } finally {
    await hub.stop();
    await world.remove();
  }
}, 600_000);
