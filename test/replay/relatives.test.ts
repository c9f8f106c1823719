import { expect, it } from 'vitest';
import type { PageSession, PageStream } from '../../src/replay/page/data.js';
import { headsIn, relativesOf } from '../../src/replay/viewer/relatives.js';

function session(id: string, parent: string | null, more: Partial<PageSession> = {}): PageSession {
  const about = { title: null, agent: null, model: null, folder: null, tokens: null };
  return { harness: 'codex', id, parent, ...about, streams: [], ...more };
}

function stream(name: string, calledBy: PageStream['calledBy'], title: string | null): PageStream {
  const none = { turns: 0, calls: 0, failedCalls: 0, lastAnswer: '', prompts: [] };
  const times = { sampleMs: [], sampleLines: [] };
  return { name, harness: 'h', lines: 1, title, calledBy, state: 'done', ...none, ...times };
}

it('relates sessions of one harness to what they came from and led to', () => {
  const sessions = [
    session('mother', null),
    session('daughter', 'mother'),
    session('granddaughter', 'daughter'),
    session('stranger', 'mother', { harness: 'hermes' }),
    session('orphan', 'gone'),
  ];
  expect(relativesOf({ sessions }, 0)).toEqual({ from: [], to: [1] });
  expect(relativesOf({ sessions }, 1)).toEqual({ from: [0], to: [2] });
  expect(relativesOf({ sessions }, 3)).toEqual({ from: [], to: [] });
  expect(relativesOf({ sessions }, 4)).toEqual({ from: [], to: [] });
  expect(relativesOf({ sessions }, 9)).toEqual({ from: [], to: [] });
});

it('places sub-agents at the calls that were noted beside their transcripts', () => {
  const streams = [
    stream('', null, 'main'),
    stream('subagents/agent-a1', ['', 'call-1'], 'Count the beds'),
    stream('subagents/agent-b2', ['subagents/agent-a1', 'call-2'], null),
    stream('subagents/agent-c3', null, 'nobody noted who called it'),
    stream('tool-results', ['', 'call-3'], null),
  ];
  const own = session('s', null, { streams: [0, 1, 2, 3, 4] });
  expect(headsIn({ streams }, own)).toEqual([
    {
      child: {
        id: 'a1',
        session: 's',
        stream: 'subagents/agent-a1',
        description: 'Count the beds',
      },
      spawnedBy: { session: 's', stream: '', callId: 'call-1' },
    },
    {
      child: { id: 'b2', session: 's', stream: 'subagents/agent-b2' },
      spawnedBy: { session: 's', stream: 'subagents/agent-a1', callId: 'call-2' },
    },
  ]);
});
