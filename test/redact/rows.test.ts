import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { repeatsOf, widthOf } from '../../src/redact/expressions/expression.js';
import { parseExpression } from '../../src/redact/expressions/parser.js';
import { createRedactor } from '../../src/redact/redactor.js';
import {
  commandLineRules,
  kinds,
  namedRules,
  rules,
  structureRules,
} from '../../src/redact/rules.js';
import { reach } from '../../src/redact/scan-context.js';
import { dice, expand } from './examples.js';
import { leaks, serializers } from './leaks.js';

const redactor = createRedactor();
const rows = [...rules, ...namedRules, ...structureRules.filter((row) => row.example !== '')];

describe('the table of kinds', () => {
  it('has more than a hundred kinds, each named so that a marker needs no escaping', () => {
    expect(kinds.size).toBeGreaterThan(100);
    for (const kind of kinds) expect(kind).toMatch(/^[a-z0-9][a-z0-9-]*$/);
  });

  it('gives every row a source and an example', () => {
    for (const row of rows) {
      expect(row.source, row.kind).not.toBe('');
      expect(row.example, row.kind).not.toBe('');
    }
  });

  it.each(rules.map((rule) => [rule.kind, rule] as const))(
    '%s is bounded and anchored',
    (_, rule) => {
      const structure = parseExpression(rule.shape.source);
      expect(rule.shape.flags).toBe('');
      expect(widthOf(structure).most).toBeLessThanOrEqual(reach);
      for (const repeat of repeatsOf(structure)) expect(Number.isFinite(repeat.most)).toBe(true);
      for (const anchor of rule.anchors) expect(anchor.length).toBeGreaterThanOrEqual(3);
    },
  );
});

describe('every row matches its own example', () => {
  it.each(rows.map((row, index) => [row.kind, row.example, index] as const))(
    '%s: %s',
    (kind, template, index) => {
      const random = dice(index + 1);
      for (let round = 0; round < 3; round += 1) {
        const { text, secret } = expand(template, random);
        const wanted = kind === 'private-key' ? (secret.split('\n')[1] ?? secret) : secret;
        for (const [name, serialize] of Object.entries(serializers)) {
          const line = serialize(`see\n${text}\nabove`);
          const { bytes, counts } = redactor.redact(Buffer.from(line));
          const shown = `${kind} as ${name}: ${bytes}`;
          expect(leaks(bytes.toString(), wanted), shown).toBe(false);
          expect(counts?.size ?? 0, shown).toBeGreaterThan(0);
          if (name !== 'plain') expect(() => JSON.parse(bytes.toString()), shown).not.toThrow();
        }
      }
    },
  );

  it.each(rules.map((rule, index) => [rule.kind, rule.example, index] as const))(
    '%s is labelled as such',
    (kind, template, index) => {
      const { text } = expand(template, dice(index + 500));
      const { counts } = redactor.redact(Buffer.from(`${text}\n`));
      expect([...(counts?.keys() ?? [])]).toContain(kind);
    },
  );
});

describe('an example that is cut off at the end of its string', () => {
  const all = [...rows, ...commandLineRules];
  const after = { is_error: null, cwd: '/work/shop', tool: 'Bash', type: 'call', turn: 12 };

  it.each([
    ['a row', (row: object) => JSON.stringify(row)],
    ['a row within a row', (row: object) => JSON.stringify({ content: JSON.stringify(row) })],
  ])('takes nothing of the fields after it: %s', (_, serialize) => {
    const wrong = new Set<string>();
    for (const [index, { example }] of all.entries()) {
      const { text } = expand(example, dice(index + 1));
      for (let length = 1; length <= Math.min(text.length, 300); length += 1) {
        const row = { text: text.slice(0, length), ...after };
        const line = redactor.redact(Buffer.from(serialize(row))).bytes.toString();
        const rest = serialize(after).slice(serialize({}).indexOf('{}') + 1);
        if (!line.endsWith(rest)) wrong.add(`${example}: ${line}`);
      }
    }
    expect([...wrong].slice(0, 20)).toEqual([]);
  });
});

describe('what the documents say', () => {
  it.each(['README.md', 'CHANGELOG.md'])(
    '%s says how many kinds there are, to the nearest ten or so',
    (name) => {
      const text = readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
      const said = Number(/some (\d{3}) kinds/i.exec(text)?.[1]);
      expect(Math.abs(said - kinds.size)).toBeLessThanOrEqual(15);
    },
  );
});
