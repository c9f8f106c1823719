import { rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MetaDocument } from '../../src/protocol/documents.js';
import type { MetaUsage } from '../../src/protocol/usage.js';
import {
  assistantRow,
  lineOf,
  type Row,
  sessionUuid,
  type Transcript,
} from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';

const cwd = '/work/app';
let rig: MirrorRig;
let id = '';
let transcript: Transcript;

beforeEach(async () => {
  rig = await MirrorRig.create();
  id = sessionUuid();
  transcript = await rig.tree.session(cwd, id).append(answer('msg_1', 10), answer('msg_1', 90));
});

afterEach(() => rig.remove());

function answer(message: string, output: number): Row {
  const context = { sessionId: id, cwd, timestamp: '2026-05-01T12:34:56.000Z' };
  const row = assistantRow('done', 'claude-opus-4-5', context, { uuid: `${message}-${output}` });
  const usage = { input_tokens: 7, output_tokens: output };
  return { ...row, message: { ...Object(row.message), id: message, usage } };
}

async function usage(): Promise<MetaUsage | null> {
  const stored = await rig.bucket.get(rig.layout.meta('claude-code', id));
  const document: MetaDocument = JSON.parse(stored?.body.toString() ?? 'null');
  return document.usage;
}

/** The counters of the only slot, and how many lines were counted. */
async function counted(): Promise<readonly [string | undefined, number | undefined]> {
  const { slots = {}, through = {} } = (await usage()) ?? {};
  expect(Object.keys(slots)).toEqual(['2026-05-01T12:30Z claude-opus-4-5']);
  return [Object.values(slots)[0]?.split(' ').slice(0, -1).join(' '), through['']];
}

describe('what meta.json tells of tokens', () => {
  it('goes on after a restart, and after one that remembers nothing', async () => {
    await rig.once().ended;
    expect(await counted()).toEqual(['1 7 0 0 0 90 0 0', 2]);
    await transcript.append(answer('msg_2', 5));
    await rig.once().ended;
    expect(await counted()).toEqual(['2 14 0 0 0 95 0 0', 3]);
    await rm(rig.stateFolder, { recursive: true });
    await transcript.append(answer('msg_3', 1), answer('msg_2', 6));
    await rig.once().ended;
    expect(await counted()).toEqual(['3 21 0 0 0 97 0 0', 5]);
  });

  it('still counts what a rewritten transcript no longer holds, from any machine', async () => {
    await rig.once().ended;
    await writeFile(transcript.path, lineOf(answer('msg_9', 3)));
    await rig.once().ended;
    const told = await usage();
    expect(await counted()).toEqual(['2 14 0 0 0 93 0 0', 1]);
    await rm(rig.stateFolder, { recursive: true });
    await transcript.append(answer('msg_9', 3));
    await rig.once().ended;
    expect((await usage())?.slots).toEqual(told?.slots);
  });
});
