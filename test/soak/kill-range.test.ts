import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { startHub } from '../support/hub/hub.js';
import { createCliWorld } from '../support/run-cli.js';

/** Two minutes of it with TRACECRAFT_SOAK=full; a few kills otherwise. */
const isFull = process.env.TRACECRAFT_SOAK === 'full';
const fewest = 6;
const untilMs = performance.now() + (isFull ? 120_000 : 0);

it('watch loses and repeats no line if it is killed repeatedly on a Hugging Face bucket', async () => {
  const world = await createCliWorld();
  const hub = await startHub();
  try {
    const env = {
      HF_ENDPOINT: hub.endpoint,
      HF_TOKEN: hub.token({ name: 'ann', role: 'write' }),
    };
    const init = ['init', '--backend', 'hf', '--bucket', 'ann/traces', '--project', 'p'];
    expect(await world.run(init, { env })).toMatchObject({ code: 0 });
    const ids = [sessionUuid(), sessionUuid(), sessionUuid()];
    const transcripts = ids.map(
      (id) => new Transcript(join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`)),
    );
    hub.faults.delayAll(() => 20 + Math.random() * 60);
    let row = 0;
    const append = async (): Promise<void> => {
      for (const [index, transcript] of transcripts.entries()) {
        row += 1;
        const context = { sessionId: ids[index] ?? '', cwd: world.project };
        await transcript.append(userRow(`row ${row}`, context));
      }
    };
    let kills = 0;
    for (; kills < fewest || performance.now() < untilMs; kills += 1) {
      await append();
      const batches = (): number => hub.seen.filter((one) => one.endsWith('/batch')).length;
      const before = batches();
      const watch = world.start(['watch'], { env });
      const ended = once(watch, 'close');
      // Somewhere in the middle of an upload: one has begun, and others are on their way.
      for (let waited = 0; batches() === before && waited < 400; waited += 1) {
        await append();
        await sleep(25);
      }
      await sleep(Math.random() * 400);
      watch.kill('SIGKILL');
      await ended;
    }
    hub.faults.clear();
    if (isFull) process.stderr.write(`${kills} kills, ${row} lines\n`);
    const last = await world.run(['watch', '--once', '--all'], { env });
    expect(last).toMatchObject({ code: 0 });
    for (const [index, transcript] of transcripts.entries()) {
      const source = await readFile(transcript.path, 'utf8');
      const lines = source.split('\n').length;
      const args = ['session', 'show', ids[index] ?? '', '--raw', '--tail', String(lines)];
      expect((await world.run(args, { env })).stdout).toBe(source);
      const parts = [...(hub.buckets.get('ann/traces')?.files.values() ?? [])].filter(
        ({ path }) => path.includes(ids[index] ?? '-') && path.includes('/part-'),
      );
      expect(parts.reduce((sum, { size }) => sum + size, 0)).toBe(Buffer.byteLength(source));
    }
  } finally {
    await hub.stop();
    await world.remove();
  }
}, 600_000);
