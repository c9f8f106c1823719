import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assistantRow, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let id = '';

beforeAll(async () => {
  world = await createCliWorld();
  id = sessionUuid();
  const context = { sessionId: id, cwd: world.project };
  const folder = join(world.home, '.claude', 'projects', '-work');
  const call = { type: 'tool_use', id: 'toolu_7', name: 'Agent', input: { prompt: 'Count pears' } };
  const calling = { message: { id: 'msg_2', role: 'assistant', model: 'm', content: [call] } };
  await new Transcript(join(folder, `${id}.jsonl`)).append(
    userRow('How many pears are there?', context, { uuid: 'a1' }),
    assistantRow('', 'm', context, { uuid: 'a2', parentUuid: 'a1', ...calling }),
    assistantRow('Twelve', 'm', context, { uuid: 'a3', parentUuid: 'a2' }),
  );
  await new Transcript(join(folder, id, 'subagents', 'agent-pear.jsonl')).append(
    userRow('Count pears', context, { isSidechain: true, agentId: 'pear' }),
    assistantRow('12', 'm', context, { isSidechain: true, agentId: 'pear' }),
  );
  await world.run(['watch', '--once'], { cwd: world.home });
});

afterAll(() => world.remove());

describe('session show --counts', () => {
  it('counts a session’s conversation, including a sub-agent that a call started', async () => {
    const { code, json } = await world.runJson(['session', 'show', id, '--counts'], {
      cwd: world.home,
    });
    expect(code).toBe(0);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        harness: 'claude-code',
        session: id,
        stream: '',
        title: 'How many pears are there?',
        own: { prompts: 1, answers: 1, calls: 1 },
        inherited: {},
        subagents_linked: ['pear'],
        rows: 3,
        rows_in_conversation: 3,
      },
    });
  });

  it('counts another of its streams, in text without --json', async () => {
    const args = ['session', 'show', id, '--stream', 'subagents/agent-pear', '--counts'];
    const { code, stdout } = await world.run(args, { cwd: world.home });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^title +Count pears$/m);
    expect(stdout).toMatch(/^agent prompts +1$/m);
    expect(stdout).toMatch(/^is subagent +true$/m);
  });

  it('lists the existing streams if asked for another', async () => {
    const args = ['session', 'show', id, '--stream', 'subagents/plum', '--counts'];
    const { code, stderr } = await world.run(args, { cwd: world.home });
    expect(code).toBe(3);
    expect(stderr).toContain('has no stream subagents/plum');
    expect(stderr).toContain('subagents/agent-pear');
  });
});
