import { describe, expect, it } from 'vitest';
import { agrees } from '../../src/redact/redaction-match.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { rules } from '../../src/redact/rules.js';
import { dice, expand } from './examples.js';
import { leaks } from './leaks.js';

const secret = (template: string, seed: number): string => expand(template, dice(seed)).secret;

/** Many assignments whose values have to be judged, the last of them a secret. */
function laborious(count: number, last: string): string {
  const lines = Array.from({ length: count }, (_, index) => `token_${index}=expired or not`);
  return [...lines, `PASSWORD=${last}`].join('\n');
}

describe('a line that needs more work than allowed', () => {
  const poor = createRedactor({ allowance: 100 });
  const value = secret('<password>', 1);

  it('loses every string with an unexamined anchor, and stays JSON', () => {
    const line = Buffer.from(
      `${JSON.stringify({ id: 7, note: 'nothing here', first: laborious(400, value), second: `see ${laborious(3, value)}` })}\n`,
    );
    const { bytes, counts } = poor.redact(line);
    expect(JSON.parse(bytes.toString())).toEqual({
      id: 7,
      note: 'nothing here',
      first: '[REDACTED:budget]',
      second: '[REDACTED:budget]',
    });
    expect(counts).toEqual(new Map([['budget', 2]]));
    expect(agrees(bytes, line)).toBe(true);
    expect(poor.redact(bytes).bytes).toBe(bytes);
  });

  it('is cut off at its first anchor if it is not JSON', () => {
    const text = laborious(400, value).replaceAll('\n', ' ');
    const line = Buffer.from(
      `plain words at the beginning ${'and more of them '.repeat(12)}${text}\nnext line\n`,
    );
    const { bytes, counts } = poor.redact(line);
    expect(bytes.toString()).toMatch(
      /^plain words at the beginning [^[]*\[REDACTED:budget\]\nnext line\n$/,
    );
    expect(counts).toEqual(new Map([['budget', 1]]));
    expect(poor.redact(bytes).bytes).toBe(bytes);
    expect(agrees(bytes, line)).toBe(true);
  });

  it('does not affect its neighbours', () => {
    const token = secret('ghp_<alnum:36>', 2);
    const dear = JSON.stringify({ text: laborious(400, value) });
    const { bytes, counts } = poor.redact(
      Buffer.from(`{"a":"${token}"}\n${dear}\n{"b":"${token}"}\n`),
    );
    expect(bytes.toString()).toBe(
      '{"a":"[REDACTED:github-token]"}\n{"text":"[REDACTED:budget]"}\n{"b":"[REDACTED:github-token]"}\n',
    );
    expect(counts?.get('budget')).toBe(1);
  });

  it('an ordinary allowance examines the same line', () => {
    const { bytes, counts } = createRedactor().redact(Buffer.from(laborious(400, value)));
    expect(leaks(bytes.toString(), value)).toBe(false);
    expect([...(counts?.keys() ?? [])]).toEqual(['password']);
  });
});

describe('a text of many short lines', () => {
  it('shares one allowance, and loses what was not reached', () => {
    const last = Buffer.from('plain words at the end\n');
    const text = Buffer.concat([fill('kind: Secret\ndata:\n  a: '), last]);
    const { bytes, counts } = createRedactor().redact(text);
    expect(counts?.get('budget')).toBeGreaterThan(1000);
    expect(bytes.subarray(-last.length)).toEqual(last);
  });

  it('that are ordinary have enough for each', () => {
    const values = Array.from({ length: 2_000 }, (_, seed) => secret('<password>', seed));
    const text = values.map((value) => `DB_PASSWORD=${value}\nPATH=/usr/bin\n`).join('');
    const { counts } = createRedactor().redact(Buffer.from(text));
    expect(counts).toEqual(new Map([['password', 2_000]]));
  });
});

const megabyte = 1 << 20;

function fill(unit: string, size = megabyte): Buffer {
  return Buffer.from(`${unit.repeat(Math.ceil(size / unit.length)).slice(0, size)}\n`, 'latin1');
}

describe('a megabyte of any anchor', () => {
  const redactor = createRedactor();
  /**
   * The least CPU time of up to eight tries: on a busy machine the neighbours' use of the caches costs
   * us time. The limits are twice what a built redactor may take, since the test runner's getters for
   * imports cost as much again. The unbounded first versions took minutes.
   */
  const cpuMilliseconds = (step: () => void, enough: number): number => {
    let least = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 8 && least >= enough; tries += 1) {
      const before = process.cpuUsage();
      step();
      const { user, system } = process.cpuUsage(before);
      least = Math.min(least, (user + system) / 1000);
    }
    return least;
  };
  redactor.redact(fill('password='));

  const anchors = [...new Set(rules.flatMap((rule) => rule.anchors))];
  const others = [
    '-----BEGIN PRIVATE KEY-----',
    '-----END PRIVATE KEY-----',
    'Private-Lines: 4',
    'eyJ',
    'eyJ.',
    '://',
    '://a:b@',
    'authorization=',
    'authorization: Bearer ',
    'basic YWFh ',
    'password=',
    'password="',
    'token=',
    'token:"',
    'api_key=',
    'kind: Secret\\ndata:\\n',
    'kind: Secret\n',
    'kind: Secret\ndata:\n  a: ',
    'data:\n  a: b\nkind: Secret\n',
    '{"kind":"Secret","data":{"a":"',
    'token: "',
    'token: \\"',
    'token="a',
    'token=aB3dE5fG7hJ9kL1m ',
    'password="x\n',
    'secret??"',
    '\\u0041',
    '\\/',
    '[REDACTED:',
    '[REDACTED:x]',
    '\\',
    '"',
    '"name":"password","value":"',
    'login a password b ',
    'curl -u a:',
    ' password,token\n "',
    '"a" as password\n',
    'login("a", "',
    ';&#',
    Buffer.from('xoxp-').toString('hex'),
    Buffer.from('AKIAsk_live_').toString('base64'),
    '\u001b[32m',
  ];

  it.each(others)('%j', (anchor) => {
    for (const unit of [anchor, `${anchor}=`]) {
      const line = fill(unit);
      expect(
        cpuMilliseconds(() => redactor.redact(line), 2000),
        JSON.stringify(unit),
      ).toBeLessThan(2000);
    }
  });

  it('or a sixteenth of one of every rule', () => {
    for (const anchor of anchors) {
      for (const unit of [anchor, `${anchor}=`]) {
        const line = fill(unit, megabyte / 16);
        expect(
          cpuMilliseconds(() => redactor.redact(line), 500),
          JSON.stringify(unit),
        ).toBeLessThan(500);
      }
    }
  }, 120_000);

  it('two megabytes of sk-ant-', () => {
    const line = Buffer.from('sk-ant-'.repeat(300_000));
    expect(cpuMilliseconds(() => redactor.redact(line), 4000)).toBeLessThan(4000);
  });
});
