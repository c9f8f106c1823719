import { rename, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { systemClock } from '../../src/clock.js';
import { UnreachableError } from '../../src/errors.js';
import { everything } from '../../src/mirror/watch/selection.js';
import { systemEvents } from '../../src/mirror/watch/system-events.js';
import { metaSchema, parseDocument } from '../../src/protocol/documents.js';
import { assistantRow, lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';

const cwd = '/home/alex/work';

function rows(sessionId: string, count: number, text = 'hello'): string[] {
  const context = { sessionId, cwd };
  return Array.from({ length: count }, (_, n) => lineOf(userRow(`${text} ${n}`, context)));
}

describe('the watch loop', () => {
  let rig: MirrorRig;

  beforeEach(async () => {
    rig = await MirrorRig.create();
  });

  afterEach(() => rig.remove());

  it('mirrors everything once: sessions, sub-agents, tool results', async () => {
    const id = sessionUuid();
    await rig.tree.session(cwd, id).append(...rows(id, 50));
    await rig.tree.subagent(cwd, id, 'a1').append(...rows(id, 5));
    await rig.tree.workflowAgent(cwd, id, 'wf_1', 'a2').append(...rows(id, 3));
    const run = rig.once();
    expect(await run.ended).toEqual({ behind: [], rests: [] });
    expect(run.taken).toMatchObject([{ sessions: 1, streams: 3, leftSessions: 0 }]);
    const verdicts = await rig.verdicts();
    expect([...verdicts.values()].map(({ state }) => state)).toEqual(['ok', 'ok', 'ok']);
    expect(verdicts.get(`${id}/`)).toMatchObject({ shippedLines: 50, parts: 1, generation: 0 });
    const keys = await rig.keys();
    expect(keys.filter((key) => /part-(\d{5})-[a-f0-9]{8}\.jsonl$/.test(key))).toHaveLength(3);
    expect(keys).toContain(`project/sessions/claude-code/${id}/meta.json`);
  });

  it('records in meta.json what it uploaded', async () => {
    const id = sessionUuid();
    const key = `AKIA${'IOSFODNN7EXAMPLE'}`;
    const context = { sessionId: id, cwd };
    await rig.tree
      .session(cwd, id)
      .append(userRow(`my key is ${key}`, context), assistantRow('ok', 'claude-x', context));
    await rig.tree.subagent(cwd, id, 'a1').append(...rows(id, 4));
    await rig.once().ended;
    const metaKey = rig.layout.meta('claude-code', id);
    const stored = await rig.bucket.get(metaKey);
    const meta = parseDocument(metaSchema, metaKey, stored?.body ?? Buffer.alloc(0));
    expect(meta).toMatchObject({
      schema_version: 2,
      session_id: id,
      agent_id: 'tester',
      cwd,
      model: 'claude-x',
      generation: 0,
      part_count: 1,
      total_lines: 2,
      redaction_counts: { 'aws-access-key': 1 },
      streams: [{ name: 'subagents/agent-a1', part_count: 1, total_lines: 4 }],
    });
    const part = await rig.bucket.get(
      `${rig.layout.session('claude-code', id)}${meta.parts[0]?.name}`,
    );
    expect(part?.body.toString()).not.toContain(key);
  });

  it('redacts what it copies from lines into meta.json', async () => {
    const id = sessionUuid();
    const key = `AKIA${'Z7RQ2WXTLMN4PVKD'}`;
    const text = `use ${key} please ${'z'.repeat(440)} ${key}`;
    const title = { type: 'custom-title', customTitle: text, sessionId: id };
    await rig.tree.session(cwd, id).append(...rows(id, 1), title);
    await rig.once().ended;
    for (const stored of await rig.keys()) {
      const body = (await rig.bucket.get(stored))?.body.toString();
      expect(body, stored).not.toContain(key.slice(0, 12));
    }
    const meta = (await rig.bucket.get(rig.layout.meta('claude-code', id)))?.body.toString();
    const shown = expect.stringMatching(/^use \[REDACTED:aws-access-key\] please z/);
    expect(JSON.parse(meta ?? '')).toMatchObject({ title: shown });
  });

  it('mirrors a burst of 150 appends, 2 ms apart, to the last line', async () => {
    const id = sessionUuid();
    const transcript = await rig.tree.session(cwd, id).append(...rows(id, 1));
    const run = rig.watch({ events: systemEvents(), sweepMs: 600_000 });
    await rig.untilLevel(5_000);
    for (const row of rows(id, 150, 'burst')) {
      await transcript.append(row);
      await systemClock.sleep(2);
    }
    await rig.untilLevel(20_000);
    expect((await rig.verdicts()).get(`${id}/`)?.shippedLines).toBe(151);
    expect(await run.end()).toEqual({ behind: [], rests: [] });
  });

  it('catches up within one sweep if there are no file events at all', async () => {
    const id = sessionUuid();
    const transcript = await rig.tree.session(cwd, id).append(...rows(id, 1));
    const run = rig.watch({ sweepMs: 1_000 });
    await rig.untilLevel(5_000);
    await transcript.append(...rows(id, 20));
    const other = sessionUuid();
    await rig.tree.session('/somewhere/else', other).append(...rows(other, 3));
    expect(await rig.untilLevel(10_000)).toBeLessThan(2_500);
    await run.end();
  });

  it('notices a new project folder and a new sub-agent by events', async () => {
    const id = sessionUuid();
    await rig.tree.session(cwd, id).append(...rows(id, 1));
    const run = rig.watch({ events: systemEvents(), sweepMs: 600_000 });
    await rig.untilLevel(5_000);
    const other = sessionUuid();
    await rig.tree.session('/new/project', other).append(...rows(other, 2));
    await rig.tree.subagent(cwd, id, 'late').append(...rows(id, 2));
    await rig.untilLevel(8_000);
    expect((await rig.verdicts()).size).toBe(3);
    await run.end();
  });

  it('sends what is new before it ends, and names an unterminated rest', async () => {
    const id = sessionUuid();
    const transcript = await rig.tree.session(cwd, id).append(...rows(id, 1));
    const run = rig.watch();
    await rig.untilLevel(5_000);
    await transcript.append(...rows(id, 3), '{"half":');
    const summary = await run.end();
    expect(summary).toEqual({ behind: [], rests: [{ source: transcript.path, bytes: 8 }] });
    expect((await rig.verdicts()).get(`${id}/`)).toMatchObject({ state: 'ok', rest: 8 });
  });

  it('mirrors a session that appeared just before it ends', async () => {
    const id = sessionUuid();
    await rig.tree.session(cwd, id).append(...rows(id, 1));
    const run = rig.watch();
    await rig.untilLevel(5_000);
    const late = sessionUuid();
    await rig.tree.session(cwd, late).append(...rows(late, 2));
    expect(await run.end()).toEqual({ behind: [], rests: [] });
    expect((await rig.verdicts()).get(`${late}/`)?.state).toBe('ok');
  });

  it('continues after a restart without listing or resending what did not change', async () => {
    const id = sessionUuid();
    const transcript = await rig.tree.session(cwd, id).append(...rows(id, 10));
    await rig.once().ended;
    const again = rig.once();
    await again.ended;
    expect(again.parts).toEqual([]);
    await transcript.append(...rows(id, 5));
    const third = rig.once();
    await third.ended;
    expect(third.parts).toEqual([`${id}/`]);
    const verdict = (await rig.verdicts()).get(`${id}/`);
    expect(verdict).toMatchObject({ state: 'ok', shippedLines: 15, parts: 2 });
  });

  it('continues from the bucket alone if its state is gone, even with other redaction rules', async () => {
    const id = sessionUuid();
    const secret = `hunter2-${'x'.repeat(12)}`;
    const transcript = rig.tree.session(cwd, id);
    await transcript.append(...rows(id, 10), ...rows(id, 3, secret));
    await rig.once().ended;
    await transcript.append(...rows(id, 4, `more ${secret}`));
    const { createRedactor } = await import('../../src/redact/redactor.js');
    const redactor = createRedactor({ knownSecrets: [secret] });
    const run = rig.once({ redactor, stateFolder: `${rig.stateFolder}-new` });
    await run.ended;
    expect(run.generations).toEqual([]);
    expect(run.parts).toEqual([`${id}/`]);
    const verdict = (await rig.verdicts()).get(`${id}/`);
    expect(verdict).toMatchObject({ state: 'ok', shippedLines: 17, generation: 0 });
  });

  it('opens a generation if the source was rewritten, and none if it only shrank', async () => {
    const id = sessionUuid();
    const transcript = await rig.tree.session(cwd, id).append(...rows(id, 10));
    await rig.once().ended;
    const size = (await stat(transcript.path)).size;
    await truncate(transcript.path, Math.floor(size / 2));
    const shrunk = rig.once();
    await shrunk.ended;
    expect(shrunk.generations).toEqual([]);
    expect(shrunk.parts).toEqual([]);
    await transcript.append('\n', ...rows(id, 8, 'different'));
    const regrown = rig.once();
    await regrown.ended;
    expect(regrown.generations).toHaveLength(1);
    expect((await rig.verdicts()).get(`${id}/`)).toMatchObject({ state: 'ok', generation: 1 });
    expect(await rig.keys()).toContain(`${rig.layout.session('claude-code', id)}gen-00001.json`);
  });

  it.each(['with', 'without'])('restores a part that vanished, %s local state', async (kept) => {
    const id = sessionUuid();
    const transcript = rig.tree.session(cwd, id);
    for (let part = 0; part < 5; part += 1) {
      await transcript.append(...rows(id, 4, `part ${part}`));
      await rig.once().ended;
    }
    const prefix = rig.layout.session('claude-code', id);
    const before = await rig.keys(prefix);
    const [, , victim = ''] = before.filter((key) => key.endsWith('.jsonl'));
    const body = (await rig.bucket.get(victim))?.body;
    await rig.bucket.delete(victim);
    const stateFolder = kept === 'with' ? rig.stateFolder : `${rig.stateFolder}-new`;
    const run = rig.once({ isThorough: true, stateFolder });
    await run.ended;
    expect(run.generations).toEqual([]);
    expect(await rig.keys(prefix)).toEqual(before);
    expect((await rig.bucket.get(victim))?.body).toEqual(body);
    expect((await rig.verdicts()).get(`${id}/`)).toMatchObject({ state: 'ok', parts: 5 });
  });

  it('sends what was altered in the bucket as a new generation, if told to check everything', async () => {
    const id = sessionUuid();
    const transcript = rig.tree.session(cwd, id);
    for (let part = 0; part < 3; part += 1) {
      await transcript.append(...rows(id, 4, `part ${part}`));
      await rig.once().ended;
    }
    const prefix = rig.layout.session('claude-code', id);
    const [, altered = ''] = (await rig.keys(prefix)).filter((key) => key.endsWith('.jsonl'));
    const body = (await rig.bucket.get(altered))?.body.toString() ?? '';
    await rig.bucket.put(altered, Buffer.from(body.replace('part 1 2', 'part 9 2')));
    expect((await rig.verdicts()).get(`${id}/`)?.state).toBe('differs');
    await rig.once({ isThorough: true }).ended;
    const verdict = (await rig.verdicts()).get(`${id}/`);
    expect(verdict).toMatchObject({ state: 'ok', generation: 1, shippedLines: 12 });
  });

  it('names an unterminated rest again, although nothing changed', async () => {
    const id = sessionUuid();
    const { path } = await rig.tree.session(cwd, id).append(...rows(id, 2), '{"half":');
    expect(await rig.once().ended).toEqual({ behind: [], rests: [{ source: path, bytes: 8 }] });
    expect(await rig.once().ended).toEqual({ behind: [], rests: [{ source: path, bytes: 8 }] });
  });

  it('uploads everything again to a bucket that was emptied', async () => {
    const id = sessionUuid();
    await rig.tree.session(cwd, id).append(...rows(id, 4));
    await rig.once().ended;
    for (const key of await rig.keys()) await rig.bucket.delete(key);
    const run = rig.once();
    await run.ended;
    expect(run.parts).toEqual([`${id}/`]);
    expect((await rig.verdicts()).get(`${id}/`)).toMatchObject({ state: 'ok', parts: 1 });
  });

  it('follows a transcript to another project folder; the stub becomes a copy', async () => {
    const id = sessionUuid();
    const transcript = await rig.tree.session(cwd, id).append(...rows(id, 10));
    const run = rig.watch({ events: systemEvents(), sweepMs: 1_000 });
    await rig.untilLevel(5_000);
    const moved = rig.tree.session('/home/alex/elsewhere', id);
    await moved.append();
    await rename(transcript.path, moved.path);
    await writeFile(transcript.path, `${JSON.stringify({ type: 'relocated', sessionId: id })}\n`);
    await moved.append(...rows(id, 5, 'after the move'));
    const prefix = rig.layout.session('claude-code', id);
    const lines = async (): Promise<number> => {
      const parts = (await rig.keys(prefix)).filter((key) => key.endsWith('.jsonl'));
      const bodies = await Promise.all(parts.map((key) => rig.bucket.get(key)));
      return bodies.reduce(
        (sum, one) => sum + (one?.body.toString().split('\n').length ?? 1) - 1,
        0,
      );
    };
    await expect.poll(lines, { timeout: 8_000 }).toBe(15);
    await expect
      .poll(() => rig.keys(rig.layout.stream('claude-code', id, 'copies/1')), { timeout: 8_000 })
      .toHaveLength(1);
    await run.end();
    expect(run.generations).toEqual([]);
    const verdicts = await rig.verdicts();
    expect(verdicts.get(`${id}/`)).toMatchObject({ state: 'ok', shippedLines: 15 });
    expect(verdicts.get(`${id}/copies/1`)).toMatchObject({ state: 'ok', shippedLines: 1 });
  });

  it.each(['once', 'watch'] as const)(
    '%s keeps both of two files with one session id',
    async (how) => {
      const id = sessionUuid();
      const common = rows(id, 1);
      await rig.tree.session(cwd, id).append(...common, ...rows(id, 2, 'here'));
      const other = join(rig.tree.home, '.config', 'claude', 'projects', '-p', `${id}.jsonl`);
      await rig.tree.file(other, [...common, ...rows(id, 4, 'there')].join(''));
      let failures = 3;
      const bucket = failing(rig.bucket, () => failures-- > 0);
      const run = how === 'once' ? rig.once({ bucket }) : rig.watch({ bucket, sweepMs: 500 });
      if (how === 'watch') await rig.untilLevel(15_000);
      const summary = await (how === 'once' ? run.ended : run.end());
      expect(summary.behind).toEqual([]);
      const verdicts = await rig.verdicts();
      expect(verdicts.get(`${id}/`)).toMatchObject({ state: 'ok', generation: 0 });
      expect(verdicts.get(`${id}/copies/1`)).toMatchObject({ state: 'ok', generation: 0 });
      expect(run.generations).toEqual([]);
    },
  );

  it('leaves old sessions and other folders alone, until an old one grows', async () => {
    const [old, fresh, foreign] = [sessionUuid(), sessionUuid(), sessionUuid()];
    const sleeping = await rig.tree.session(cwd, old).append(...rows(old, 3));
    const longAgo = new Date(Date.now() - 30 * 24 * 3_600_000);
    await utimes(sleeping.path, longAgo, longAgo);
    await rig.tree.session(cwd, fresh).append(...rows(fresh, 3));
    const elsewhere = { sessionId: foreign, cwd: '/other' };
    await rig.tree.session(cwd, foreign).append(lineOf(userRow('x', elsewhere)));
    const selection = { ...everything, sinceMs: 7 * 24 * 3_600_000, cwd: dirname(cwd) };
    const run = rig.watch({ selection, sweepMs: 500 });
    await run.started;
    expect(run.taken).toMatchObject([{ sessions: 1, leftSessions: 2 }]);
    await expect.poll(() => run.parts, { timeout: 5_000 }).toEqual([`${fresh}/`]);
    await sleeping.append(...rows(old, 1));
    await expect.poll(() => run.parts, { timeout: 5_000 }).toEqual([`${fresh}/`, `${old}/`]);
    await run.end();
    expect((await rig.verdicts()).get(`${foreign}/`)?.state).toBe('missing');
  });

  it('mirrors an old session that grows, even if its time was reset', async () => {
    const id = sessionUuid();
    const sleeping = await rig.tree.session(cwd, id).append(...rows(id, 2));
    const longAgo = new Date(Date.now() - 30 * 24 * 3_600_000);
    await utimes(sleeping.path, longAgo, longAgo);
    const selection = { ...everything, sinceMs: 7 * 24 * 3_600_000 };
    const run = rig.watch({ selection, sweepMs: 200 });
    await run.started;
    await sleeping.append(...rows(id, 1));
    await utimes(sleeping.path, longAgo, longAgo);
    await rig.untilShipped(run, 3);
    expect((await run.end()).behind).toEqual([]);
  });

  it('uses one request per flush, and none while idle', async () => {
    const requests: string[] = [];
    const bucket = counting(rig.bucket, requests);
    const id = sessionUuid();
    const transcript = await rig.tree.session(cwd, id).append(...rows(id, 1));
    const run = rig.watch({ events: systemEvents(), bucket });
    // It is read before it is first written: another machine may have left one.
    const metas = () => requests.filter((one) => /^put.*meta\.json$/.test(one));
    await expect.poll(() => metas().length, { timeout: 8_000 }).toBe(1);
    requests.length = 0;
    await transcript.append(...rows(id, 10));
    await expect.poll(() => run.parts.length, { timeout: 8_000 }).toBe(2);
    await systemClock.sleep(1_500);
    expect(requests).toEqual([expect.stringContaining('putIfAbsent project/sessions')]);
    await run.end();
  });
});

/** Reads and listings fail for a while, as with a store that is out of order. */
function failing(bucket: Bucket, fails: () => boolean): Bucket {
  return {
    ...bucket,
    get: async (key, options) => {
      if (fails()) throw new UnreachableError('simulated: 503');
      return bucket.get(key, options);
    },
    list: async function* (prefix, options) {
      if (prefix.includes('copies') && fails()) throw new UnreachableError('simulated: 503');
      yield* bucket.list(prefix, options);
    },
  };
}

/** Every request by name and key. */
function counting(bucket: Bucket, requests: string[]): Bucket {
  return new Proxy(bucket, {
    get: (target, name, receiver) => {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        requests.push(`${String(name)} ${String(args[0])}`);
        return Reflect.apply(value, target, args);
      };
    },
  });
}
