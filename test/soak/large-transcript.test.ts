import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { collect, createCliWorld } from '../support/run-cli.js';

const isFull = process.env.TRACECRAFT_SOAK === 'full';
const megabytes = isFull ? 300 : 80;

describe.skipIf(process.platform !== 'linux')('a large transcript', () => {
  it(`of ${megabytes} MB is mirrored with flat memory${isFull ? ' and progress' : ''}`, async () => {
    const world = await createCliWorld();
    const id = sessionUuid();
    const path = join(world.home, '.claude', 'projects', '-big', `${id}.jsonl`);
    await writeTranscript(path, id);
    const watch = world.start(['watch', '--once'], { cwd: world.home });
    const result = collect(watch);
    let peak = 0;
    const timer = setInterval(() => {
      void peakMemory(watch.pid).then((bytes) => {
        peak = Math.max(peak, bytes);
      });
    }, 50);
    const { code, stderr } = await result;
    clearInterval(timer);
    expect(code).toBe(0);
    // What is done within a second shows no progress.
    if (isFull) expect(stderr).toMatch(/^Mirroring: \d+ % \([\d.]+ \w+ of [\d.]+ \w+\)$/m);
    expect(peak).toBeGreaterThan(20e6);
    expect(peak).toBeLessThan(250e6);
    expect(await world.run(['session', 'verify'], { cwd: world.home })).toMatchObject({ code: 0 });
    await world.remove();
  }, 240_000);
});

async function writeTranscript(path: string, sessionId: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const out = createWriteStream(path);
  const context = { sessionId, cwd: '/big' };
  let written = 0;
  for (let row = 0; written < megabytes * 1e6; row += 1) {
    const text = `row ${row} ${'some words of a conversation, '.repeat(row % 400)}`;
    const line = lineOf(userRow(text, context));
    written += line.length;
    if (!out.write(line)) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}

/** High-water mark of the resident set, in bytes (proc(5), VmHWM); 0 once the process is gone. */
async function peakMemory(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
