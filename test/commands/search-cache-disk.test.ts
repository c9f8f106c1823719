import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { partName } from '../../src/protocol/parts.js';
import { canMountPrivately, MountNamespace } from '../support/mount-namespace.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

const cache = '.cache/tracecraft/search';
const part = `.tracecraft/bucket/run/sessions/codex/s1/${partName(0, 0, 0)}`;

/** What brotli makes little of. */
function noise(letters: number): string {
  let state = 7;
  return Array.from({ length: letters }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state % 36).toString(36);
  }).join('');
}

function said(message: string): string {
  return `${JSON.stringify({ type: 'event_msg', payload: { type: 'user_message', message } })}\n`;
}

describe.skipIf(!canMountPrivately())('a cache on a disk that is', () => {
  let world: CliWorld;
  let space: MountNamespace;

  beforeEach(async () => {
    world = await createCliWorld();
    space = new MountNamespace(world.home);
    await space.must(`mkdir -p ${cache} && chmod -R go-w .cache`);
    expect(await space.tracecraft('init --global --project run')).toMatchObject({ code: 0 });
    await space.must(`mkdir -p $(dirname ${part})`);
    const rows = [said('the needle of checkout_total'), said(noise(300_000))];
    await writeFile(join(world.home, part), rows.join(''));
    // What was written just now is not kept yet.
    await space.must(`touch -d 2024-01-01 ${part}`);
  });

  afterEach(async () => {
    await space.end();
    await world.remove();
  });

  async function expectFound(scanned: 'everything' | 'nothing'): Promise<void> {
    const { code, output } = await space.tracecraft('search needle --json 2>/dev/null');
    expect({ code, output }).toMatchObject({ code: 0 });
    const [hit, totals] = output
      .trimEnd()
      .split('\n')
      .slice(-2)
      .map((line) => JSON.parse(line));
    expect(hit).toMatchObject({ session: 's1', line: 0 });
    expect(totals.data).toMatchObject({ hits: 1, coverage: 'listed' });
    expect(totals.data.scanned_bytes > 0).toBe(scanned === 'everything');
  }

  it('full: "search index" says so, a search answers, and no half pack is left', async () => {
    await space.must(`mount -t tmpfs -o size=64k,mode=700 none ${cache}`);
    const full = await space.tracecraft('search index');
    expect(full).toMatchObject({ code: 7, output: expect.stringContaining('ENOSPC') });
    expect(await space.must(`find ${cache} -type f`)).toBe('');
    await expectFound('everything');
    await space.must(`mount -o remount,size=20m none ${cache}`);
    expect(await space.tracecraft('search index')).toMatchObject({ code: 0 });
    await expectFound('nothing');
  });

  it('read-only: what is there is used, and what is new is read', async () => {
    await space.must(`mount -t tmpfs -o size=20m,mode=700 none ${cache}`);
    expect(await space.tracecraft('search index')).toMatchObject({ code: 0 });
    await space.must(`mount -o remount,ro none ${cache}`);
    await expectFound('nothing');
    await writeFile(join(world.home, part), said('another needle'));
    await space.must(`touch -d 2024-01-02 ${part}`);
    await expectFound('everything');
    const refused = await space.tracecraft('search index');
    expect(refused).toMatchObject({ code: 7, output: expect.stringContaining('EROFS') });
  });
});
