import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import type { CliWorld } from '../support/run-cli.js';
import { type Stage, stages } from '../support/stage.js';

/** A session as the Python tool leaves it in a bucket: parts cut by bytes, named by number and chance, without a chain. */
describe.each(stages)('a session of the older tool on $name', ({ open }) => {
  let stage: Stage;
  let world: CliWorld;
  let lines: string[] = [];
  const id = sessionUuid();

  const keyOf = (name: string): string => `${stage.layout.session('claude-code', id)}${name}`;
  const put = (name: string, body: Uint8Array | string) =>
    stage.bucket.put(keyOf(name), Buffer.from(body));
  const textOf = async (name: string): Promise<string> =>
    String((await stage.bucket.get(keyOf(name)))?.body);

  beforeAll(async () => {
    stage = await open();
    world = await stage.machine();
    const context = { sessionId: id, cwd: world.project };
    lines = ['one', 'two', 'three'].map((text) => String(lineOf(userRow(text, context))));
    const whole = Buffer.from(lines.join(''));
    const cut = String(lines[0]).length + 20;
    await put('part-00000-0badcafe.jsonl', whole.subarray(0, cut));
    await put('part-00001-00c0ffee.jsonl', whole.subarray(cut));
    const part = (seq: number, uuid: string) => ({
      seq,
      uuid,
      cursor_range: [0, 1],
      redactions: {},
    });
    const meta = {
      schema_version: 1,
      harness: 'claude-code',
      session_id: id,
      cwd: world.project,
      agent_id: 'elder',
      started_at: '2026-01-02T03:04:05+00:00',
      last_uploaded_at: '2026-01-02T03:04:06+00:00',
      ended_at: null,
      total_source_bytes: whole.length,
      total_uploaded_bytes: whole.length,
      redaction_counts: {},
      parts: [part(0, '0badcafe'), part(1, '00c0ffee')],
      color: 'blue',
    };
    await put('meta.json', JSON.stringify(meta));
  }, 60_000);

  afterAll(() => stage.close());

  it('is listed, shown and joined', async () => {
    const listed = await world.runJson(['session', 'list']);
    expect(listed.json).toMatchObject({
      data: { sessions: [{ session_id: id, part_count: 2, cwd: world.project }] },
    });
    const { stdout } = await world.run(['session', 'show', id, '--raw']);
    expect(stdout).toBe(lines.join(''));
    const tail = await world.run(['session', 'show', id, '--raw', '--tail', '2']);
    expect(tail.stdout).toBe(lines.slice(1).join(''));
    const compacted = await world.run(['session', 'compact', id]);
    expect(compacted.code, compacted.stderr).toBe(0);
    expect(await textOf('transcript.jsonl')).toBe(lines.join(''));
  });

  it('continues as a generation of our own, and keeps what others know of it', async () => {
    const path = join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`);
    await mkdir(dirname(path), { recursive: true });
    const more = String(lineOf(userRow('four', { sessionId: id, cwd: world.project })));
    await writeFile(path, lines.join('') + more);
    const mirror = ['session', 'mirror', '--harness', 'claude-code', '--session-id', id];
    const { code, stderr } = await world.run(mirror);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(await textOf('gen-00001.json'))).toMatchObject({
      base: null,
      firstSeq: 2,
    });
    expect(await stage.bucket.get(keyOf('part-00000-0badcafe.jsonl'))).toBeDefined();
    expect((await world.run(['session', 'show', id, '--raw'])).stdout).toBe(lines.join('') + more);
    expect(JSON.parse(await textOf('meta.json'))).toMatchObject({
      schema_version: 2,
      color: 'blue',
      total_lines: 4,
    });
  });
});
