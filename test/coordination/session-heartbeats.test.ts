import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeAgent } from '../../src/coordination/agents/document.js';
import { SessionHeartbeats } from '../../src/coordination/agents/session-heartbeats.js';
import { nodeIo } from '../../src/io.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryStore } from '../support/memory-bucket.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const layout = bucketLayout('app');
const session = { harness: 'claude-code', id: 's-1', presumedAgent: 'designer' };
const minuteMs = 60_000;

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let store: MemoryStore;
let clock: ManualClock;
let requests: string[];
let heartbeats: SessionHeartbeats;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  store = new MemoryStore(true);
  clock = new ManualClock();
  requests = [];
  const bucket = store.client({
    gate: async (request) => {
      requests.push(request);
    },
  });
  const context = { bucket, layout, host: 'here', clock };
  heartbeats = new SessionHeartbeats(context, { io: nodeIo, folder: folder.path });
});

afterEach(() => folder.remove());

function documentOf(agent: string): unknown {
  return JSON.parse(store.objects.get(layout.agent(agent))?.body.toString('utf8') ?? 'null');
}

async function nextRound(): Promise<string[]> {
  clock.advance(minuteMs);
  store.nowMs += minuteMs;
  requests.length = 0;
  await heartbeats.send([session]);
  return [...requests];
}

describe('the heartbeats that a watch sends', () => {
  it('cost one write each minute, and a listing each half hour', async () => {
    await heartbeats.send([session]);
    const rounds: string[][] = [];
    for (let minute = 0; minute < 59; minute += 1) rounds.push(await nextRound());
    expect(rounds.filter((round) => round.length !== 1)).toHaveLength(1);
    expect(rounds.flat().filter((kind) => kind === 'PUT')).toHaveLength(59);
    expect(documentOf('designer')).toMatchObject({ heartbeat: '1970-01-01T00:59:00.000Z' });
  });

  it('undo nothing the agent wrote meanwhile', async () => {
    await heartbeats.send([session]);
    const place = { bucket: store.client(), layout, agent: 'designer' };
    const capabilities = { putIfAbsent: true, putIfMatch: true };
    await changeAgent({ ...place, capabilities }, () => ({ step: 'design' }));
    await nextRound();
    expect(documentOf('designer')).toMatchObject({
      step: 'design',
      heartbeat: '1970-01-01T00:01:00.000Z',
    });
  });

  it('reach an agent from the first command it ran in the session', async () => {
    await heartbeats.send([session]);
    await mkdir(join(folder.path, 'heartbeats', 'coder'), { recursive: true });
    await writeFile(join(folder.path, 'heartbeats', 'coder', 's-1'), '0 60000');
    await mkdir(join(folder.path, 'heartbeats', 'stranger'), { recursive: true });
    await writeFile(join(folder.path, 'heartbeats', 'stranger', 's-2'), '0 60000');
    await nextRound();
    expect(documentOf('coder')).toMatchObject({ session_id: 's-1', status: 'active' });
    expect(documentOf('stranger')).toBeNull();
  });
});
