import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { tooFast } from '../support/hub/faults.js';
import { type Hub, startHub } from '../support/hub/hub.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

const rowsOf = (id: string, cwd: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => userRow(`row ${from + n}`, { sessionId: id, cwd }));

describe('session compact', () => {
  let world: CliWorld;
  let inHome: { readonly cwd: string };
  let folder: string;
  let transcript: Transcript;
  const id = sessionUuid();

  beforeAll(async () => {
    world = await createCliWorld();
    inHome = { cwd: world.home };
    const path = join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`);
    transcript = await new Transcript(path).append(...rowsOf(id, world.project, 0, 9));
    await world.run(['watch', '--once'], inHome);
    folder = join(world.stateFolder, 'bucket', 'default', 'sessions', 'claude-code', id);
  });

  afterAll(() => world.remove());

  const source = () => readFile(transcript.path, 'utf8');
  const compacted = () => readFile(join(folder, 'transcript.jsonl'), 'utf8');

  it('writes the transcript, then reports that nothing changed', async () => {
    const first = await world.run(['session', 'compact', id.slice(0, 13)], inHome);
    const size = `${Buffer.byteLength(await source()).toLocaleString('en-US')}B`;
    const what = `claude-code/${id}  transcript.jsonl  9 lines of 1 part  ${size}`;
    expect(first).toEqual({ code: 0, stdout: `compacted  ${what}  verified=md5\n`, stderr: '' });
    expect(await compacted()).toBe(await source());
    const again = await world.run(['session', 'compact', id], inHome);
    expect(again).toEqual({ code: 0, stdout: `unchanged  ${what}\n`, stderr: '' });
    expect(await world.run(['session', 'compact', id, '-q'], inHome)).toMatchObject({ stdout: '' });
  });

  it('answers in JSON, for the trace of a transcript that is one already', async () => {
    const { json, code, stderr } = await world.runJson(
      ['session', 'compact', '--all', '--format', 'trace'],
      inHome,
    );
    expect([code, stderr]).toEqual([0, expect.stringContaining('already are traces')]);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        sessions: [
          {
            harness: 'claude-code',
            session_id: id,
            format: 'raw',
            state: 'unchanged',
            key: `default/sessions/claude-code/${id}/transcript.jsonl`,
            generation: 0,
            parts: 1,
            lines: 9,
            bytes: Buffer.byteLength(await source()),
            verified: null,
          },
        ],
        failures: [],
      },
    });
  });

  it('includes later lines, and does not disturb readers of parts', async () => {
    await transcript.append(...rowsOf(id, world.project, 9, 12));
    const watched = await world.run(['watch', '--once', '--compact'], inHome);
    expect(watched).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('12 lines of 2 parts'),
    });
    expect(await compacted()).toBe(await source());
    const shown = await world.run(['session', 'show', id, '--tail', '99', '--raw'], inHome);
    expect(shown.stdout).toBe(await source());
    expect(await world.run(['session', 'verify'], inHome)).toMatchObject({ code: 0 });
    const { json } = await world.runJson(['session', 'list'], inHome);
    expect(json).toMatchObject({
      data: { total: 1, sessions: [{ part_count: 2, total_lines: 12 }] },
    });
    const page = join(world.root, 'run.html');
    expect(await world.run(['replay', '-o', page], inHome)).toMatchObject({ code: 0 });
    await rm(join(world.stateFolder, 'state'), { recursive: true });
    const restarted = await world.run(['watch', '--once', '--all'], inHome);
    expect(restarted).toMatchObject({ code: 0, stdout: expect.not.stringContaining('uploaded') });
  });

  it('has its copies scanned for secrets too', async () => {
    const before = await compacted();
    const key = ['AKIA', 'Q3EGRIVT7XQ5LMZP'].join('');
    await writeFile(
      join(folder, 'transcript.jsonl'),
      `${before}{"text":"aws_access_key_id=${key}"}\n`,
    );
    const found = await world.run(['redact', 'scan'], inHome);
    expect(found).toMatchObject({
      code: 9,
      stderr: expect.stringContaining('session compact --all'),
    });
    expect(found.stdout + found.stderr).toContain(`${id}/transcript.jsonl`);
    expect(found.stdout + found.stderr).not.toContain(key);
    await world.run(['session', 'compact', id], inHome);
    expect(await compacted()).toBe(before);
    expect(await world.run(['redact', 'scan'], inHome)).toMatchObject({ code: 0 });
  });

  it('reports what cannot be done', async () => {
    for (const [args, code, message] of [
      [[], 2, 'no session named'],
      [[id, '--all'], 2, 'exclude each other'],
      [['nothing'], 3, 'session not found: nothing'],
      [[id, '--harness', 'codex'], 3, `No codex session found for ${id}`],
      [[id, '--format', 'html'], 2, 'html'],
    ] as const) {
      const failed = await world.run(['session', 'compact', ...args], inHome);
      expect(failed).toMatchObject({ code, stderr: expect.stringContaining(message) });
    }
  });

  it('loses no lines, one session after another', async () => {
    const other = sessionUuid();
    const path = join(world.home, '.claude', 'projects', '-work', `${other}.jsonl`);
    await new Transcript(path).append(...rowsOf(other, world.project, 0, 3));
    await world.run(['watch', '--once'], inHome);
    const [, last = ''] = (await readdir(folder)).filter((name) => name.startsWith('part-')).sort();
    await rm(join(folder, last));
    const one = await world.run(['session', 'compact', id], inHome);
    expect(one).toMatchObject({ code: 10, stderr: expect.stringContaining('give 9 lines') });
    expect(await compacted()).toBe(await source());
    const all = await world.runJson(['session', 'compact', '--all'], inHome);
    expect(all.code).toBe(10);
    expect(all.json).toMatchObject({
      data: {
        sessions: [{ session_id: other, state: 'written' }],
        failures: [{ session_id: id, kind: 'partial' }],
      },
    });
    await world.run(['watch', '--once', '--all'], inHome);
    expect(await world.run(['session', 'compact', '--all'], inHome)).toMatchObject({ code: 0 });
  });
});

describe('session compact on Hugging Face', () => {
  let world: CliWorld;
  let hub: Hub;

  beforeAll(async () => {
    world = await createCliWorld();
    hub = await startHub();
  });

  afterAll(async () => {
    await world.remove();
    await hub.stop();
  });

  it('joins parts mirrored in ranges; the writing machine is named', async () => {
    const token = hub.token({ name: 'ann', role: 'write' });
    const options = { env: { HF_ENDPOINT: hub.endpoint, HF_TOKEN: token } };
    const where = ['--backend', 'hf', '--bucket', 'ann/traces', '--project', 'p', '--agent', 'a'];
    expect(await world.run(['init', ...where, '--force'], options)).toMatchObject({ code: 0 });
    const id = sessionUuid();
    const path = join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`);
    const transcript = new Transcript(path);
    const mirror = ['session', 'mirror', '--harness', 'claude-code'];
    for (const from of [0, 3]) {
      await transcript.append(...rowsOf(id, world.project, from, from + 3));
      expect(await world.run(mirror, options)).toMatchObject({ code: 0 });
    }
    hub.faults.next(/POST .*\/batch/, 'unanswered', tooFast(1), 'dropped');
    const compacted = await world.run(['session', 'compact', id], options);
    expect(compacted.stdout).toContain('6 lines of 2 parts');
    expect(compacted.stdout).toContain('verified=read-back');
    const files = hub.content('ann/traces', `p/sessions/claude-code/${id}/transcript.jsonl`);
    expect(String(files)).toBe(await readFile(path, 'utf8'));
    const again = await world.run(['session', 'compact', id], options);
    expect(again.stdout).toMatch(/^unchanged {2}/);
    expect(String(hub.content('ann/traces', 'p/_writer.json'))).toContain('"hosts"');
  });
});
