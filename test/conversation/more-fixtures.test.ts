import { beforeAll, describe, expect, it } from 'vitest';
import { countsOf } from '../../src/conversation/counts.js';
import {
  type FixtureStream,
  hasSharedFixtures,
  readFixtureStreams,
} from '../support/fixture-streams.js';
import { conversationOf } from './fixture-conversations.js';

/** Counted by hand, from the rows. */
const expected: readonly [harness: string, session: string, counts: object][] = [
  [
    'pi',
    '01a2285c-06b1-71e8-889b-2d7723155b29',
    {
      title: 'Tree one',
      own: { prompts: 5, answers: 5, calls: 2, joined: 2 },
      rows: 22,
      rows_in_conversation: 16,
      abandoned_prompts: 3,
      commands: ['!'],
      injected: 1,
    },
  ],
  [
    'pi',
    '01a2285c-3964-76b6-a84d-a1630dffc264',
    {
      title: 'List the files of the shop.',
      own: { prompts: 5, answers: 4, thinking: 1, calls: 2, joined: 2 },
      rows: 19,
      rows_in_conversation: 14,
      errors: 1,
    },
  ],
  [
    'qwen-code',
    '51565dbf-4a40-4f2d-812b-4685f8467501',
    {
      title: 'Say hello to the shop',
      own: { prompts: 2, answers: 2, thinking: 1, calls: 1, joined: 1 },
      rows: 13,
      rows_in_conversation: 6,
    },
  ],
  [
    'qwen-code',
    '1187f65d-8451-4253-b3a9-1b627882cba4',
    {
      title: 'Write a note about prices',
      own: { prompts: 2, answers: 3, calls: 2, joined: 2 },
      rows: 19,
      rows_in_conversation: 9,
      compactions: 1,
    },
  ],
  [
    'qwen-code',
    'f6673c53-a7d4-4d71-ba24-d97ff351e4ee',
    {
      title: 'Say hello to the shop',
      own: { prompts: 7, answers: 9, calls: 2, joined: 2 },
      rows: 52,
      commands: ['/rewind'],
    },
  ],
  [
    'copilot',
    '7f100217-7f7a-48f3-a205-9aa35bc289a5',
    {
      title: 'Try it with a map instead.',
      own: { prompts: 2, answers: 2 },
      rows: 28,
      rows_in_conversation: 5,
      compactions: 1,
    },
  ],
  [
    'copilot',
    '70f04cd3-e9d1-4e99-a301-2dd749fb0906',
    {
      title: 'Take a slow look.',
      own: { prompts: 3, answers: 2, calls: 1, joined: 1, call_errors: 1 },
      rows: 24,
      rows_in_conversation: 8,
    },
  ],
  [
    'copilot',
    'c6ee5228-90c2-4b82-b51d-ec14cf1aeaea',
    {
      title: 'Ask two helpers.',
      own: { prompts: 1, agent_prompts: 2, answers: 4, calls: 4, joined: 4 },
      subagents_linked: [
        '4ddf108f-935f-4b44-a700-f87fc2c47659',
        'eb501259-48b5-4e32-8d99-6727e5177a6c',
      ],
      rows: 50,
      rows_in_conversation: 17,
    },
  ],
  [
    'kimi-code',
    'session_46b36dc9-3e98-40bb-b950-d977b98d26c3',
    {
      title: 'Say hello to the shop',
      own: { prompts: 2, answers: 2, thinking: 1, calls: 1, joined: 1, call_errors: 1 },
      rows_in_conversation: 12,
      injected: 3,
    },
  ],
  [
    'kimi-code',
    'session_9ffe4ef1-08fc-401b-972f-450d3649fba9',
    {
      title: 'Write a note about prices',
      own: { prompts: 3, answers: 4, calls: 2, joined: 2 },
      rows: 77,
      injected: 4,
    },
  ],
  [
    'gemini-cli',
    '087fee95-cafb-46d4-9d7f-34b8f1122ca3',
    {
      title: 'Say hello to the shop',
      own: { prompts: 2, answers: 2, thinking: 1, calls: 1, joined: 1 },
      rows: 19,
      rows_in_conversation: 8,
      injected: 1,
    },
  ],
  [
    'gemini-cli',
    '4707f56a-fb5f-420e-b4f0-803ae6a0b2b3',
    {
      title: 'Count the lines of the shop files',
      own: { prompts: 2, answers: 3, calls: 2, joined: 2 },
      rows: 25,
      // Row 14 repeats the history, and only there the result of the call has a message of its own.
      rows_in_conversation: 12,
      injected: 1,
    },
  ],
  [
    'gemini-cli',
    '8551a670-8d8c-47ca-9558-5ca84d7149af',
    {
      title: 'Say hello to the shop',
      own: { prompts: 6, answers: 7, calls: 2, joined: 2 },
      rows: 37,
      // Likewise row 20.
      rows_in_conversation: 18,
      abandoned_prompts: 4,
      injected: 2,
    },
  ],
  [
    // One document, of release 0.35.
    'gemini-cli',
    '17c73401-cf3b-48e1-ac7d-9a1d518b51dc',
    {
      title: 'Say hello to the shop',
      own: { prompts: 2, answers: 2 },
      rows: 5,
      rows_in_conversation: 4,
    },
  ],
  [
    'opencode',
    'ses_dd7a46c8bffeTQ1uKngFEkiuy2',
    {
      title: 'Compacted one',
      own: { prompts: 3, answers: 3, thinking: 1, calls: 2, joined: 2 },
      compactions: 1,
    },
  ],
  [
    'opencode',
    'ses_dd7a5a052ffeb9m1uJxfuJzFc3',
    {
      title: 'Fix the shop checkout',
      own: { prompts: 1, answers: 2, calls: 2, joined: 2 },
      subagents_linked: ['ses_dd7a582a6ffev8qE1bclAXQOMt', 'ses_dd7a58309ffehLHUuAnbNxvhGL'],
    },
  ],
];

describe.skipIf(!hasSharedFixtures)('real sessions (skipped where ../shared is absent)', () => {
  let streams: readonly FixtureStream[] = [];

  beforeAll(async () => {
    streams = await readFixtureStreams('harness-more/');
  });

  it.each(expected)('of %s count as they were counted by hand (%s)', (harness, session, counts) => {
    const stream = streams.find(
      (one) => one.harness === harness && one.session === session && one.stream === '',
    );
    if (stream === undefined) throw new Error('not found');
    expect(countsOf(conversationOf(stream))).toMatchObject(counts);
  });
});
