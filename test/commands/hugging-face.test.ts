import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { tooFast } from '../support/hub/faults.js';
import { type Hub, startHub } from '../support/hub/hub.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let hub: Hub;
let token: string;
let env: Record<string, string>;
let transcript: Transcript;
const id = sessionUuid();

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) =>
    userRow(`row ${from + index}`, { sessionId: id, cwd: world.project }),
  );

const init = (bucket: string, ...more: string[]) =>
  world.run(
    [
      'init',
      '--backend',
      'hf',
      '--bucket',
      bucket,
      '--project',
      'hftest',
      '--agent',
      'tester',
      '--force',
      ...more,
    ],
    { env },
  );

beforeAll(async () => {
  world = await createCliWorld();
  hub = await startHub();
  token = hub.token({ name: 'ann', role: 'write' });
  env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: token };
  const path = join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`);
  transcript = new Transcript(path);
  await transcript.append(...rows(0, 30));
});

afterAll(async () => {
  await world.remove();
  await hub.stop();
});

describe('a bucket on Hugging Face', () => {
  it('is created private, said to be so, and holds no token', async () => {
    const { code, stdout, stderr } = await init('ann/traces');
    expect(stderr).toMatch(/claims are best-effort/);
    expect(stderr).not.toMatch(/PUBLIC/);
    expect(code).toBe(0);
    expect(stdout).toContain('Backend: HuggingFace Buckets  Bucket: ann/traces (private)');
    expect(hub.buckets.get('ann/traces')?.isPrivate).toBe(true);
    const config = await readFile(join(world.project, '.tracecraft.json'), 'utf8');
    expect(`${config}${stdout}${stderr}`).not.toContain(token);
  });

  it('takes a session, part by part, and shows it', async () => {
    const mirror = ['session', 'mirror', '--harness', 'claude-code'];
    const first = await world.run(mirror, { env });
    expect(first).toMatchObject({ code: 0 });
    const size = (await readFile(transcript.path)).length;
    const bytes = `${size.toLocaleString('en-US')}B`;
    expect(first.stdout).toMatch(/uploaded part-00000-[0-9a-f]{8} /);
    expect(first.stdout).toContain(`source=${bytes}  upload=${bytes}  redactions=none`);
    await transcript.append(...rows(30, 40));
    expect((await world.run(mirror, { env })).stdout).toMatch(/uploaded part-00001-/);
    const list = await world.runJson(['session', 'list'], { env });
    const total = (await readFile(transcript.path)).length;
    expect(list.json).toMatchObject({
      data: {
        sessions: [{ session_id: id, part_count: 2, total_lines: 40, total_uploaded_bytes: total }],
      },
    });
    const shown = await world.run(['session', 'show', id, '--tail', '40', '--raw'], { env });
    expect(shown.stdout).toBe(await readFile(transcript.path, 'utf8'));
    expect(await world.run(['session', 'verify', id], { env })).toMatchObject({ code: 0 });
  });

  it('loses nothing to refusals that pass', async () => {
    await transcript.append(...rows(40, 50));
    hub.faults.next(/POST .*\/batch/, 'unanswered', tooFast(1), 'dropped');
    const mirrored = await world.run(['session', 'mirror', '--harness', 'claude-code'], { env });
    expect(mirrored).toMatchObject({ code: 0 });
    const shown = await world.run(['session', 'show', id, '--tail', '50', '--raw'], { env });
    expect(shown.stdout).toBe(await readFile(transcript.path, 'utf8'));
  });

  it('that is public without being asked for is a loud warning', async () => {
    hub.createBucket('ann/shown', { isPrivate: false });
    const found = await init('ann/shown');
    expect(found).toMatchObject({ code: 0, stdout: expect.stringContaining('ann/shown (public)') });
    expect(found.stderr).toContain('PUBLIC BUCKET');
    const asked = await init('ann/open', '--public');
    expect(asked.stdout).toContain('ann/open (public)');
    expect(asked.stderr).not.toContain('PUBLIC BUCKET');
  });

  it('says what is wrong with a token, without showing it', async () => {
    const reader = hub.token({ name: 'ann', role: 'read' });
    hub.createBucket('ann/other');
    for (const [wrong, message] of [
      ['hf_nobodyknowsthisone', /does not accept this token/],
      [reader, /may not do that/],
      ['', /no Hugging Face token/],
    ] as const) {
      const flags = ['--backend', 'hf', '--bucket', 'ann/other', '--force'];
      const failed = await world.run(['init', ...flags], { env: { ...env, HF_TOKEN: wrong } });
      expect(failed.code).toBe(7);
      expect(failed.stderr).toMatch(message);
      if (wrong !== '') expect(failed.stdout + failed.stderr).not.toContain(wrong);
    }
  });
});
