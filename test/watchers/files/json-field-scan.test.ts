import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonFieldScan } from '../../../watchers/files/json-field-scan.js';

const names = ['cwd', 'version', 'isSidechain', 'message.model', 'timestamp'] as const;
const [cwd, version, isSidechain, model, timestamp] = [0, 1, 2, 3, 4];
const whole = Number.POSITIVE_INFINITY;
const longest = 1_000;

function forward(row: string, limit = whole): JsonFieldScan {
  const skim = new JsonFieldScan(names);
  skim.forward(Buffer.from(row), limit);
  return skim;
}

function backward(row: string, limit = whole): JsonFieldScan {
  const skim = forward(row, 0);
  skim.backward(limit);
  return skim;
}

describe('reading a row from its beginning', () => {
  it('finds flat fields after nested ones, and one level of the requested nested ones', () => {
    const skim = forward(
      '{"x":{"cwd":"/no","y":["]}"]},"cwd":"/yes","isSidechain":true,"n":-1.5e+3,' +
        '"message":{"role":"user","deep":{"model":"no"},"model":"m-1"},"version":"2"}\n',
    );
    expect(skim.text(cwd, longest)).toBe('/yes');
    expect(skim.text(model, longest)).toBe('m-1');
    expect(skim.text(version, longest)).toBe('2');
    expect(skim.isTrue(isSidechain)).toBe(true);
    expect(skim.text(timestamp, longest)).toBeUndefined();
  });

  it('reads no further than its limit, and no partial value', () => {
    const row = '{"cwd":"/a","version":"2.1.39","isSidechain":true}';
    expect(forward(row, row.indexOf('39')).text(version, longest)).toBeUndefined();
    expect(forward(row, row.indexOf('39')).text(cwd, longest)).toBe('/a');
    expect(forward(row, row.indexOf('ue}')).isTrue(isSidechain)).toBe(false);
  });

  it('stops as soon as it has what was requested', () => {
    const skim = new JsonFieldScan(names);
    const row = Buffer.from('{"cwd":"/a","version":"2","timestamp":"t"}');
    skim.forward(row, whole, (found) => (found & (1 << version)) !== 0);
    expect(skim.text(version, longest)).toBe('2');
    expect(skim.text(timestamp, longest)).toBeUndefined();
  });

  it('forgets the previous row', () => {
    const skim = forward('{"cwd":"/a"}');
    skim.forward(Buffer.from('not JSON'), whole);
    expect(skim.found).toBe(0);
    expect(skim.text(cwd, longest)).toBeUndefined();
    expect(skim.is(cwd, '/a')).toBe(false);
  });
});

describe('reading a row from its end', () => {
  it('finds the flat fields after the last nested one', () => {
    const skim = backward(
      '{"cwd":"/no","m":{"version":"no"},"cwd":"/a\\"b","isSidechain":true,"version":"2"}\r\n',
    );
    expect(skim.text(cwd, longest)).toBe('/a"b');
    expect(skim.text(version, longest)).toBe('2');
    expect(skim.isTrue(isSidechain)).toBe(true);
  });

  it('is not fooled by text that looks like fields', () => {
    const said = JSON.stringify({ content: 'x","cwd":"/no","version":"no' });
    expect(backward(said).found).toBe(0);
    expect(backward(JSON.stringify({ message: { cwd: '/no', version: 'no' } })).found).toBe(0);
  });

  it('reads no further than its limit, and no partial value', () => {
    const row = '{"m":{},"cwd":"/a","version":"2"}';
    expect(backward(row, 20).text(version, longest)).toBe('2');
    expect(backward(row, 20).text(cwd, longest)).toBeUndefined();
  });
});

describe('a value', () => {
  it('is unescaped, or left out if it is too long, not a string or badly escaped', () => {
    expect(forward('{"cwd":"\\u00e4\\n\\ud83d\\ude00"}').text(cwd, longest)).toBe('ä\n😀');
    expect(forward('{"cwd":"ä"}').text(cwd, longest)).toBe('ä');
    expect(forward('{"cwd":"\\x"}').text(cwd, longest)).toBeUndefined();
    expect(forward('{"cwd":"12345"}').text(cwd, 6)).toBeUndefined();
    expect(forward('{"cwd":null}').text(cwd, longest)).toBeUndefined();
  });

  it('is compared without being decoded', () => {
    expect(forward('{"cwd":"/a"}').is(cwd, '/a')).toBe(true);
    for (const other of ['/b', '/', '/aa', '']) {
      expect(forward('{"cwd":"/a"}').is(cwd, other)).toBe(false);
    }
    expect(forward('{"cwd":true}').is(cwd, 'ru')).toBe(false);
    expect(forward('{"cwd":"é"}').is(cwd, 'Ã©')).toBe(false);
  });
});

describe('any row', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('"', '\\', '\\"', '},', '":"'),
  );
  const flat = fc.oneof(
    text,
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.constant(null),
  );
  const value = fc.oneof(
    flat,
    fc.array(flat),
    fc.dictionary(text, flat),
    fc.constant({ cwd: 'no' }),
  );
  const row = fc.dictionary(
    fc.oneof(fc.constantFrom('cwd', 'version', 'timestamp', 'x'), text),
    value,
  );

  it('gives the same as parsing, from both ends', () => {
    fc.assert(
      fc.property(row, fc.constantFrom(undefined, 1), (content, indent) => {
        const written = JSON.stringify(content, undefined, indent);
        const skim = forward(written);
        for (const [index, name] of [cwd, version, timestamp].map(
          (at) => [at, names[at]] as const,
        )) {
          const expected = name === undefined ? undefined : content[name];
          const known = typeof expected === 'string' ? expected : undefined;
          expect(skim.text(index, longest * 10)).toBe(known);
        }
        const back = backward(written);
        const entries = Object.entries(content);
        const lastNested = entries.findLastIndex(
          ([, one]) => typeof one === 'object' && one !== null,
        );
        for (const [at, [name, one]] of entries.entries()) {
          const index = (names as readonly string[]).indexOf(name);
          if (index === -1 || typeof one !== 'string') continue;
          expect(back.text(index, longest * 10)).toBe(at > lastNested ? one : undefined);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never causes a failure, wherever it is cut and whatever its bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
      fc
        .tuple(row, fc.nat(200))
        .map(([content, at]) => Buffer.from(JSON.stringify(content)).subarray(at)),
      fc
        .tuple(row, fc.nat(200))
        .map(([content, at]) => Buffer.from(JSON.stringify(content)).subarray(0, at)),
    );
    fc.assert(
      fc.property(bytes, fc.nat(80), (line, limit) => {
        const skim = new JsonFieldScan(names);
        skim.forward(line, limit);
        skim.backward(limit);
        for (let index = 0; index < names.length; index += 1) skim.text(index, longest);
      }),
      { numRuns: 500 },
    );
  });
});
