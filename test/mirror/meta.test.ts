import { describe, expect, it } from 'vitest';
import { type Checkpoint, emptyCheckpoint, type ShippedPart } from '../../src/mirror/checkpoint.js';
import {
  encodeMeta,
  metaDocument,
  type SessionPicture,
  type StreamPicture,
} from '../../src/mirror/meta/document.js';
import { metaSchema, parseDocument } from '../../src/protocol/documents.js';
import { partName } from '../../src/protocol/parts.js';

const maxBytes = 20_000;
const uploadedAtMs = Date.parse('2026-01-02T03:04:05.678Z');

function part(sequence: number, more: Partial<ShippedPart> = {}): ShippedPart {
  return {
    sequence,
    generation: 0,
    startLine: sequence * 10,
    endLine: sequence * 10 + 10,
    sourceBytes: 1_000,
    uploadedBytes: 900,
    fingerprint: 'f'.repeat(32),
    redactions: {},
    uploadedAtMs: uploadedAtMs + sequence,
    ...more,
  };
}

function headOf(
  parts: readonly ShippedPart[],
  more: Partial<Checkpoint> = {},
  told: Partial<StreamPicture> = {},
): StreamPicture {
  const line = parts.at(-1)?.endLine ?? 0;
  const end = { sequence: parts.length, parts, position: { line, at: null } };
  return {
    checkpoint: { ...emptyCheckpoint, ...end, ...more },
    facts: {},
    outline: undefined,
    ...told,
  };
}

function agents(count: number): ReadonlyMap<string, StreamPicture> {
  const names = Array.from(
    { length: count },
    (_, n) => `subagents/agent-${String(n).padStart(7, '0')}`,
  );
  return new Map(names.map((name) => [name, headOf([part(0)])]));
}

const picture: SessionPicture = {
  session: { harness: 'claude-code', id: 's1' },
  agent: 'designer',
  host: 'laptop',
  sourcePath: '/home/alex/.claude/projects/-home-alex-shop/s1.jsonl',
  redactorVersion: 'f209924a3075',
  facts: {},
  main: undefined,
  further: new Map(),
};

describe('meta.json', () => {
  it('has null for unknown values', () => {
    expect(metaDocument(picture)).toMatchObject({
      schema_version: 2,
      cwd: null,
      title: null,
      model: null,
      git_branch: null,
      harness_version: null,
      parent_session_id: null,
      started_at: null,
      last_uploaded_at: null,
      ended_at: null,
      part_count: 0,
      parts: [],
      streams: [],
    });
  });

  it('sums up the main stream, and counts the redactions of all streams', () => {
    const main = headOf([part(0, { redactions: { jwt: 1 } }), part(1, { redactions: { jwt: 2 } })]);
    const further = new Map([['subagents/agent-a', headOf([part(0, { redactions: { pem: 1 } })])]]);
    expect(metaDocument({ ...picture, main, further })).toMatchObject({
      generation: 0,
      part_count: 2,
      total_lines: 20,
      total_source_bytes: 2_000,
      total_uploaded_bytes: 1_800,
      redaction_counts: { jwt: 3, pem: 1 },
      last_uploaded_at: '2026-01-02T03:04:05.679Z',
      streams: [
        { name: 'subagents/agent-a', part_count: 1, total_lines: 10, total_uploaded_bytes: 900 },
      ],
    });
  });

  it('lists the newest 20 parts by their names in the bucket', () => {
    const main = headOf(Array.from({ length: 1_000 }, (_, n) => part(n)));
    const { parts, part_count } = metaDocument({ ...picture, main });
    expect(part_count).toBe(1_000);
    expect(parts.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, n) => 980 + n));
    expect(parts[0]).toMatchObject({ name: partName(980, 0, 9_800), cursor_range: [9_800, 9_810] });
  });

  it('gives a part of a base its original name', () => {
    const parts = [part(0), part(1, { sequence: 5, generation: 2 })];
    const main = headOf(parts, { generation: 2, sequence: 6 });
    const document = metaDocument({ ...picture, main });
    expect(document.generation).toBe(2);
    expect(document.parts.map(({ name }) => name)).toEqual([partName(0, 0, 0), partName(5, 2, 10)]);
  });

  it('has the title, last prompt, turns and parent of the conversation', () => {
    const outline = {
      rows: 20,
      title: 'Mend the fence',
      lastPrompt: 'and paint it',
      prompts: 2,
      turns: 3,
      turnStarts: [0, 7, 12],
      lastAtMs: uploadedAtMs,
      isSubagent: false,
      forkedFrom: { session: 's0' },
    };
    const main = headOf([part(0), part(1)], {}, { outline });
    const document = metaDocument({ ...picture, main, facts: { parentSessionId: 's9' } });
    expect(document).toMatchObject({
      title: 'Mend the fence',
      name: null,
      last_prompt: 'and paint it',
      prompts: 2,
      turns: 3,
      turn_starts: [0, 7, 12],
      last_row_at: '2026-01-02T03:04:05.678Z',
      parent_session_id: 's0',
    });
    const named = metaDocument({ ...picture, main, facts: { named: 'Fence' } });
    expect([named.title, named.name]).toEqual(['Fence', 'Fence']);
  });

  it('contains what is recorded about a sub-agent next to its transcript', () => {
    const base = { rows: 1, prompts: 0, turns: 0, turnStarts: [], isSubagent: false };
    const spawnedBy = { session: 's1', stream: '', callId: 'toolu_3' };
    const outline = { ...base, title: 'count pears', spawnedBy };
    const agent = { ...base, title: 'Count all pears, please', isSubagent: true };
    const further = new Map([
      ['subagents/agent-a', headOf([part(0)], {}, { outline: agent })],
      ['subagents/agent-a.meta', headOf([part(0)], {}, { outline, facts: { agentType: 'Plan' } })],
      ['subagents/agent-b.meta', headOf([part(0)])],
    ]);
    const { streams } = metaDocument({ ...picture, further });
    expect(streams.map(({ name }) => name)).toEqual([
      'subagents/agent-a',
      'subagents/agent-b.meta',
    ]);
    expect(streams[0]).toMatchObject({
      title: 'Count all pears, please',
      description: 'count pears',
      agent_type: 'Plan',
      parent_stream: '',
      call_id: 'toolu_3',
    });
  });

  it('is read back unchanged', () => {
    const facts = {
      cwd: '/home/alex/shop',
      named: 'Grüße ✓',
      model: 'm',
      startedAt: '2026-01-02T03:04:05Z',
    };
    const document = metaDocument({
      ...picture,
      facts,
      main: headOf([part(0)]),
      further: agents(3),
    });
    expect(parseDocument(metaSchema, 'meta.json', encodeMeta(document))).toEqual(document);
  });

  it('stays under 20 KB with 2,000 further streams, and says how many it leaves out', () => {
    const main = headOf(Array.from({ length: 100 }, (_, n) => part(n)));
    const document = metaDocument({ ...picture, main, further: agents(2_000) });
    const encoded = encodeMeta(document);
    expect(encoded.length).toBeLessThanOrEqual(maxBytes);
    const { streams, streams_omitted, ...rest } = parseDocument(metaSchema, 'meta.json', encoded);
    expect(streams.length).toBeGreaterThan(20);
    expect(streams.length + streams_omitted).toBe(2_000);
    expect(streams).toEqual(document.streams.slice(0, streams.length));
    const { streams: _all, streams_omitted: _none, ...everythingElse } = document;
    expect(rest).toEqual({ ...everythingElse, parts: document.parts.slice(-4) });
  });

  it('stays under 20 KB with many kinds of redaction, and keeps the newest parts', () => {
    const kinds = Array.from({ length: 60 }, (_, n) => [`some-provider-key-${n}`, 1] as const);
    const redactions = Object.fromEntries(kinds);
    const main = headOf(Array.from({ length: 30 }, (_, n) => part(n, { redactions })));
    const encoded = encodeMeta(metaDocument({ ...picture, main, further: agents(3) }));
    expect(encoded.length).toBeLessThanOrEqual(maxBytes);
    const { parts, part_count, redaction_counts } = parseDocument(metaSchema, 'm', encoded);
    expect(part_count).toBe(30);
    expect(Object.keys(redaction_counts)).toHaveLength(60);
    const newest = Array.from({ length: parts.length }, (_, n) => 30 - parts.length + n);
    expect(parts.map(({ seq }) => seq)).toEqual(newest);
    expect(parts.length).toBeGreaterThan(2);
  });

  it('leaves nothing out while everything fits', () => {
    const document = metaDocument({ ...picture, further: agents(50) });
    const { streams, streams_omitted } = parseDocument(metaSchema, 'm', encodeMeta(document));
    expect([streams.length, streams_omitted]).toEqual([50, 0]);
  });
});
