import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MetaDocument } from '../../src/protocol/documents.js';
import {
  assistantRow,
  lineOf,
  type Row,
  sessionUuid,
  type Transcript,
  userRow,
} from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';

const cwd = '/work/app';
let rig: MirrorRig;
let id = '';
let transcript: Transcript;

beforeEach(async () => {
  rig = await MirrorRig.create();
  id = sessionUuid();
  transcript = await rig.tree.session(cwd, id).append(...turn('Prune the roses'));
});

afterEach(() => rig.remove());

let minutes = 0;

function turn(prompt: string): readonly Row[] {
  minutes += 1;
  const timestamp = new Date(Date.UTC(2026, 4, 1, 12, minutes)).toISOString();
  const context = { sessionId: id, cwd, timestamp };
  return [
    userRow(prompt, context, { uuid: `${prompt}-1` }),
    assistantRow('done', 'm', context, { uuid: `${prompt}-2` }),
  ];
}

async function meta(): Promise<MetaDocument> {
  const stored = await rig.bucket.get(rig.layout.meta('claude-code', id));
  return JSON.parse(stored?.body.toString() ?? 'null');
}

describe('the conversation in meta.json', () => {
  it('continues after a restart, with or without local state', async () => {
    await rig.once().ended;
    expect(await meta()).toMatchObject({
      title: 'Prune the roses',
      last_prompt: 'Prune the roses',
      prompts: 1,
      turns: 1,
      turn_starts: [0],
    });
    await transcript.append(...turn('and the hedge'));
    await rig.once().ended;
    expect(await meta()).toMatchObject({ last_prompt: 'and the hedge', turn_starts: [0, 2] });
    await rm(rig.stateFolder, { recursive: true });
    const [row = {}] = turn('last of all');
    await transcript.append(row);
    await rig.once().ended;
    expect(await meta()).toMatchObject({
      title: 'Prune the roses',
      last_prompt: 'last of all',
      last_row_at: row.timestamp,
      prompts: 3,
      turns: 3,
      turn_starts: [0, 2, 4],
    });
  });

  it('is that of the current transcript if the old one was rewritten', async () => {
    await rig.once().ended;
    await transcript.append(...turn('Mow the lawn'), ...turn('Weed the path'));
    await rig.once().ended;
    expect(await meta()).toMatchObject({ prompts: 3, turn_starts: [0, 2, 4] });
    const kept = (await readFile(transcript.path, 'utf8')).split('\n').slice(0, 2);
    const [prompt = {}, answer = {}] = turn('Sow grass instead');
    await writeFile(transcript.path, [...kept, lineOf(prompt) + lineOf(answer)].join('\n'));
    const run = rig.once();
    await run.ended;
    expect(run.generations).toEqual(['rewritten']);
    expect(await meta()).toMatchObject({
      last_prompt: 'Sow grass instead',
      prompts: 2,
      turn_starts: [0, 2],
    });
  });

  it("includes Claude Code's record of a sub-agent, in its last state", async () => {
    const folder = join(rig.tree.path(cwd), id, 'subagents');
    const context = { sessionId: id, cwd, isSidechain: true };
    await rig.tree.subagent(cwd, id, 'a1').append(userRow('Count the beds', context));
    await rig.tree.file(join(folder, 'agent-a1.meta.json'), '{"agentType":"Pl');
    await rig.once().ended;
    expect((await meta()).streams).toEqual([
      {
        name: 'subagents/agent-a1',
        part_count: 1,
        total_lines: 1,
        total_uploaded_bytes: expect.any(Number),
        title: 'Count the beds',
      },
    ]);
    const noted = { agentType: 'Plan', description: 'count', toolUseId: 't1' };
    await rig.tree.file(join(folder, 'agent-a1.meta.json'), JSON.stringify(noted));
    await rig.once().ended;
    const last = { ...noted, description: 'count beds', finished: true };
    await rig.tree.file(join(folder, 'agent-a1.meta.json'), JSON.stringify(last, null, 2));
    await rig.once().ended;
    expect((await meta()).streams).toEqual([
      expect.objectContaining({
        name: 'subagents/agent-a1',
        title: 'Count the beds',
        description: 'count beds',
        agent_type: 'Plan',
        parent_stream: '',
        call_id: 't1',
      }),
    ]);
    const prefix = rig.layout.stream('claude-code', id, 'subagents/agent-a1.meta');
    const keys = await rig.keys(prefix);
    const states = await Promise.all(keys.sort().map((key) => rig.bucket.get(key)));
    expect(states.map((state) => JSON.parse(state?.body.toString() ?? ''))).toEqual([noted, last]);
    expect([...(await rig.verdicts()).values()].map(({ state }) => state)).toEqual(
      Array(3).fill('ok'),
    );
  });
});
