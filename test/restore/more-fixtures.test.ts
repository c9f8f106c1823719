import { existsSync } from 'node:fs';
import { appendFile, cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countsOf } from '../../src/conversation/counts.js';
import { type Fields, fields } from '../../src/conversation/fields.js';
import { completeLines } from '../../src/mirror/lines.js';
import { listStream, newestFirst } from '../../src/mirror/slots/listing.js';
import { readChain } from '../../src/mirror/slots/reader.js';
import { listSessionIds } from '../../src/mirror/slots/session-listing.js';
import { type SessionRef, streamsOf } from '../../src/mirror/stream.js';
import { harnessNames } from '../../watchers/names.js';
import { readerOf } from '../../watchers/readers.js';
import { allowWriting, sharedFolder } from '../support/fixture-streams.js';
import { MirrorRig } from '../support/mirror-rig.js';
import { restoreTo } from './restoring.js';

const shared = join(sharedFolder, 'fixtures', 'harness-more');

const trees: readonly [tree: string, at: string][] = [
  ['pi/home', '.'],
  ['qwen-code/.qwen', '.qwen'],
  ['copilot/home', '.'],
  ['copilot-1.0.30', '.copilot'],
  ['kimi-code/.kimi-code', '.kimi-code'],
  ['gemini-cli/.gemini', '.gemini'],
  ['opencode/home', '.'],
];

/** One more row, as each harness goes on after resuming. */
const rows: Readonly<Record<string, string>> = {
  pi: '{"type":"message","id":"0a0a0a0a","parentId":null,"message":{"role":"user","content":"go on"}}\n',
  'qwen-code': '{"uuid":"n1","parentUuid":null,"type":"user","message":{"role":"user"}}\n',
  copilot: '{"type":"user.message","id":"n1","data":{"content":"go on"}}\n',
  'kimi-code': '{"type":"turn.prompt","input":[{"type":"text","text":"go on"}]}\n',
  'gemini-cli': '{"id":"n1","type":"user","content":"go on"}\n',
};

describe.skipIf(!existsSync(shared))(
  'every session of the newer harnesses, from one machine to another (skipped where ../shared is absent)',
  () => {
    let a: MirrorRig;
    let b: MirrorRig;
    let copies: MirrorRig;
    let sessions: readonly SessionRef[];

    beforeAll(async () => {
      a = await MirrorRig.create();
      b = await MirrorRig.create(a.bucket);
      copies = await MirrorRig.create(a.bucket);
      for (const [tree, at] of trees) {
        const target = join(a.tree.home, at);
        await mkdir(target, { recursive: true });
        await cp(join(shared, tree), target, { recursive: true, preserveTimestamps: true });
      }
      await allowWriting(a.tree.home);
      await a.once().ended;
      const ids = await listSessionIds(a.bucket, a.layout, harnessNames);
      sessions = [...ids].flatMap(([harness, some]) => [...some].map((id) => ({ harness, id })));
    }, 60_000);

    afterAll(async () => {
      await copies.remove();
      await b.remove();
      await a.remove();
    });

    const whole = () => sessions.filter(({ harness }) => harness !== 'opencode');

    it('comes back whole and goes on there without a new generation', async () => {
      for (const ref of whole()) {
        const { state } = await restoreTo(b, ref, { mode: 'verbatim', isForced: true });
        expect(state, ref.id).toBe('restored');
      }
      expect(whole().length).toBeGreaterThan(30);
      const silent = b.once();
      await silent.ended;
      expect(silent.parts).toEqual([]);
      await growAll();
      const run = b.once();
      await run.ended;
      expect([run.generations, run.troubles]).toEqual([[], []]);
      expect(new Set(run.parts)).toEqual(new Set(whole().map(({ id }) => `${id}/`)));
      const verdicts = [...(await b.verdicts()).values()].map(({ state }) => state);
      expect(new Set(verdicts)).toEqual(new Set(['ok']));
    }, 60_000);

    async function growAll(): Promise<void> {
      for (const watcher of b.watchers()) {
        for await (const { name, source, session } of streamsOf(watcher)) {
          if (name === '') await appendFile(source, rows[session.harness] ?? '');
        }
      }
    }

    it('has a copy that says the same', async () => {
      const originals = new Map<string, SessionRef>();
      for (const ref of whole()) {
        const { id, state } = await restoreTo(copies, ref, { mode: 'as-new' });
        expect(state, ref.id).toBe('restored');
        originals.set(id, ref);
      }
      const run = copies.once();
      await run.ended;
      expect(new Set(run.parts.filter((name) => name.endsWith('/')))).toEqual(
        new Set([...originals.keys()].map((id) => `${id}/`)),
      );
      for (const [id, ref] of originals) {
        const copy = await countsIn(copies, { ...ref, id });
        const original = await countsIn(a, ref);
        expect(copy, `${ref.harness} ${ref.id}`).toEqual(original);
      }
    }, 60_000);

    async function countsIn({ bucket, layout }: MirrorRig, { harness, id }: SessionRef) {
      const listing = await listStream(bucket, layout.session(harness, id));
      const fold = readerOf(harness)?.open({ session: id, stream: '' });
      let line = 0;
      // The first generation is what was mirrored before anything went on.
      for await (const { body } of readChain(bucket, listing, newestFirst(listing).at(-1) ?? 0)) {
        for (const one of completeLines(body)) fold?.row(one.toString(), line++);
      }
      return fold === undefined ? undefined : spoken(fields(countsOf(fold.state())));
    }

    /** Commands and reminders are no part of a copy, nor what sub-agents did in the session's own file. */
    function spoken({ title, own, abandoned_prompts, subagents_linked }: Fields): object {
      const { prompts } = fields(own);
      return { title, abandoned_prompts, own: subagents_linked === undefined ? own : { prompts } };
    }

    it('of opencode is a document to import', async () => {
      const opencode = sessions.filter(({ harness }) => harness === 'opencode');
      for (const ref of opencode) {
        const { files, id } = await restoreTo(copies, ref);
        const document = JSON.parse(await readFile(files[0]?.path ?? '', 'utf8'));
        expect(document.info).toMatchObject({ id, directory: '/work/here' });
        const ids = document.messages.flatMap((one: { info: { id: string } }) => one.info.id);
        expect(ids).toEqual([...ids].sort());
      }
      expect(opencode).toHaveLength(17);
    });
  },
);
