import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MetaDocument, metaSchema, parseDocument } from '../../src/protocol/documents.js';
import { sessionUuid, type Transcript } from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';

const cwd = '/srv/owed';

describe('meta.json', () => {
  let rig: MirrorRig;
  let id: string;
  let transcript: Transcript;

  beforeEach(async () => {
    rig = await MirrorRig.create();
    id = sessionUuid();
    transcript = await rig.tree.session(cwd, id).append('{"turn":1}\n', '{"turn":2}\n');
  });

  afterEach(() => rig.remove());

  async function meta(): Promise<MetaDocument> {
    const key = rig.layout.meta('claude-code', id);
    return parseDocument(metaSchema, key, (await rig.bucket.get(key))?.body ?? Buffer.alloc(0));
  }

  /** As a kill between the last part and the document leaves it: the parts and local state are there, it is not. */
  async function mirrorWithoutMeta(): Promise<void> {
    const { bucket } = rig;
    const isMeta = (key: string): boolean => key.endsWith('/meta.json');
    const lost = new Error('killed here');
    const deaf = {
      ...bucket,
      put: (key: string, body: Uint8Array) =>
        isMeta(key) ? Promise.reject(lost) : bucket.put(key, body),
      putIfMatch: (key: string, body: Uint8Array, etag: string) =>
        isMeta(key) ? Promise.reject(lost) : bucket.putIfMatch(key, body, etag),
      putIfAbsent: (key: string, body: Uint8Array) =>
        isMeta(key) ? Promise.reject(lost) : bucket.putIfAbsent(key, body),
    };
    await rig.once({ bucket: deaf }).ended;
  }

  it('is updated by the next run, although nothing grew', async () => {
    await rig.once().ended;
    await transcript.append('{"turn":3}\n');
    await mirrorWithoutMeta();
    expect((await meta()).total_lines).toBe(2);
    await rig.once().ended;
    expect((await meta()).total_lines).toBe(3);
  });

  it('is compared with the bucket by a thorough run, whatever local state says', async () => {
    await rig.once().ended;
    const key = rig.layout.meta('claude-code', id);
    await rig.bucket.put(key, Buffer.from('{"half":'));
    await rig.once().ended;
    await rig.once({ isThorough: true }).ended;
    expect((await meta()).total_lines).toBe(2);
  });

  it('keeps what another machine wrote, and lists both heads', async () => {
    await rig.tree.subagent(cwd, id, 'a1').append('{"sub":1}\n');
    await rig.once().ended;
    const key = rig.layout.meta('claude-code', id);
    const before = await meta();
    const theirs = { ...before, host: 'elsewhere', agent_id: 'other', total_lines: 7 };
    const stream = { name: 'tool-results', part_count: 1, total_lines: 4, total_uploaded_bytes: 9 };
    const streams = [stream];
    await rig.bucket.put(key, Buffer.from(JSON.stringify({ ...theirs, streams })));
    await transcript.append('{"turn":3}\n');
    await rig.once().ended;
    const after = await meta();
    expect(after).toMatchObject({ host: 'here', total_lines: 3 });
    expect(after.streams.map(({ name }) => name)).toEqual(['subagents/agent-a1', 'tool-results']);
    expect(after.heads).toMatchObject([
      { host: 'elsewhere', agent_id: 'other', total_lines: 7 },
      { host: 'here', agent_id: 'tester', total_lines: 3 },
    ]);
  });

  it('keeps an end that was reported before local state was lost, until the session grows', async () => {
    await rig.once().ended;
    const key = rig.layout.meta('claude-code', id);
    const ended = { ...(await meta()), ended_at: '2026-03-04T05:06:07.000Z' };
    await rig.bucket.put(key, Buffer.from(JSON.stringify(ended)));
    const stateFolder = `${rig.stateFolder}-new`;
    await rig.once({ stateFolder }).ended;
    expect((await meta()).ended_at).toBe('2026-03-04T05:06:07.000Z');
    await transcript.append('{"turn":3}\n');
    await rig.once({ stateFolder }).ended;
    expect(await meta()).toMatchObject({ ended_at: null, total_lines: 3 });
  });
});
