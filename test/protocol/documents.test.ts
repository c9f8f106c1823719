import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agentSchema,
  DocumentError,
  encodeDocument,
  generationSchema,
  metaSchema,
  parseDocument,
} from '../../src/protocol/documents.js';

const key = 'shop/agents/designer.json';
const agent = { id: 'designer', status: 'active' };
const generation = {
  gen: 2,
  firstSeq: 7,
  base: { gen: 1, parts: 3 },
  reason: 'rewritten',
  who: 'alex@laptop',
  at: '2026-01-02T03:04:05.678Z',
};
const meta = { schema_version: 2, harness: 'codex', session_id: 's' };

describe('reading documents', () => {
  it('ignores unknown fields', () => {
    const parsed = parseDocument(agentSchema, key, bytes({ ...agent, mood: 'fine', step: 's1' }));
    expect(parsed).toMatchObject({ id: 'designer', status: 'active', step: 's1' });
    expect(parsed).not.toHaveProperty('mood');
  });

  it('uses null for fields an older writer left out', () => {
    expect(parseDocument(agentSchema, key, bytes(agent))).toEqual({
      ...agent,
      step: null,
      started_at: null,
      heartbeat: null,
      summary: null,
      host: null,
    });
  });

  it('accepts the minimal meta.json', () => {
    const parsed = parseDocument(metaSchema, key, bytes(meta));
    expect(parsed).toMatchObject({
      ...meta,
      title: null,
      part_count: 0,
      redaction_counts: {},
      parts: [],
      streams: [],
      streams_omitted: 0,
    });
  });

  it.each<[string, object | string, string]>([
    ['not JSON', '{"gen": 1', 'not JSON'],
    ['nothing', '', 'empty'],
    ['a byte order mark', '\u{feff}{}', 'not JSON'],
    ['a number', '7', 'Object'],
    ['a list', '[]', 'gen'],
    ['null', 'null', 'Object'],
    ['a missing field', { ...generation, gen: undefined }, 'gen'],
    ['a negative number', { ...generation, gen: -1 }, 'gen'],
    ['a number past counting', { ...generation, gen: 1e20 }, 'gen'],
    ['a number past naming', { ...generation, firstSeq: 1_000_000_000 }, 'firstSeq'],
    ['a fraction', { ...generation, firstSeq: 0.5 }, 'firstSeq'],
    ['a number in text', { ...generation, firstSeq: '7' }, 'firstSeq'],
    ['no base at all', { ...generation, base: undefined }, 'base'],
    ['a wrong field further in', { ...generation, base: { gen: 1, parts: -3 } }, 'base.parts'],
    ['a time of any length', { ...generation, at: 'x'.repeat(65) }, 'at'],
    ['a text of any length', { ...generation, reason: 'x'.repeat(100_001) }, 'reason'],
  ])('refuses %s, naming key and field', (_what, document, named) => {
    const problem = refusalOf(() => parseDocument(generationSchema, key, bytes(document)));
    expect(problem.message).toContain(`${key}: `);
    expect(problem.message).toContain(named);
    expect(problem.exitCode).toBe(1);
    expect(problem.hint).toBeDefined();
  });

  it('refuses an undefined status', () => {
    const document = bytes({ ...agent, status: 'asleep' });
    expect(refusalOf(() => parseDocument(agentSchema, key, document)).message).toContain('status');
  });

  it('does not repeat hostile input to a terminal', () => {
    const document = bytes({ ...agent, status: `\u001b[2J${'x'.repeat(5_000)}` });
    const { message } = refusalOf(() => parseDocument(agentSchema, key, document));
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(200);
  });

  it('names the place in a list', () => {
    const document = bytes({ ...meta, parts: [{ seq: 0 }] });
    const problem = refusalOf(() => parseDocument(metaSchema, key, document));
    expect(problem.message).toContain('parts.0.name');
  });

  it('survives any JSON: a document or a DocumentError, nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const schema of [agentSchema, generationSchema, metaSchema]) {
          expect(outcomeOf(() => parseDocument(schema, key, bytes(JSON.stringify(value))))).toBe(
            true,
          );
        }
      }),
    );
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (body) => {
        expect(outcomeOf(() => parseDocument(generationSchema, key, body))).toBe(true);
      }),
    );
  });

  it('survives endless nesting, and names special to JavaScript', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(() => parseDocument(metaSchema, key, bytes(deep))).toThrow(DocumentError);
    const proto = `{"__proto__": {"gen": 9}, "constructor": {"prototype": {"x": 1}}}`;
    expect(() => parseDocument(generationSchema, key, bytes(proto))).toThrow(DocumentError);
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false);
  });
});

describe('writing documents', () => {
  it('produces readable text: two spaces, one newline at the end', () => {
    expect(encodeDocument({ a: 1 }).toString()).toBe('{\n  "a": 1\n}\n');
  });

  it('can be read again', () => {
    expect(parseDocument(generationSchema, key, encodeDocument(generation))).toEqual(generation);
  });
});

function bytes(content: object | string): Buffer {
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
}

function refusalOf(step: () => unknown): DocumentError {
  try {
    step();
  } catch (error) {
    if (error instanceof DocumentError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

function outcomeOf(step: () => unknown): boolean {
  try {
    return typeof step() === 'object';
  } catch (error) {
    if (error instanceof DocumentError) return true;
    throw error;
  }
}
