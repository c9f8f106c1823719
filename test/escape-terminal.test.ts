import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeTerminal, escapeTerminalBlock, escapeTerminalJson } from '../src/escape-terminal.js';

describe('visible', () => {
  it.each([
    ['plain äöü 漢字 👩‍💻', 'plain äöü 漢字 👩‍💻'],
    ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
    ['\u001b]0;title\u0007', '\\x1b]0;title\\x07'],
    ['a\u009b2Jb', 'a\\x9b2Jb'],
    ['one\r\ntwo\tthree', 'one\\r\\ntwo\\tthree'],
    ['\u0000\u007f', '\\x00\\x7f'],
    ['user\u202egpj.exe', 'user\\u202egpj.exe'],
    ['\u2066x\u2069', '\\u2066x\\u2069'],
    ['zero\u200bwidth\ufeff', 'zero\\u200bwidth\\ufeff'],
    ['tag \u{e0041}\u{e0042}', 'tag \\u{e0041}\\u{e0042}'],
    ['soft\u00adhyphen, joiner\u034f', 'soft\\xadhyphen, joiner\\u034f'],
    ['\u115f\u1160\u3164\uffa0', '\\u115f\\u1160\\u3164\\uffa0'],
    ['blank\u2800braille', 'blank\\u2800braille'],
    ['A\ufe00\ufe07\ufe0e', 'A\\ufe00\\ufe07\\ufe0e'],
    ['\u{e0100}\u{e01ef}\u{e0fff}', '\\u{e0100}\\u{e01ef}\\u{e0fff}'],
    ['heart ❤\ufe0f, key 1\ufe0f\u20e3, 👁\ufe0f', 'heart ❤\ufe0f, key 1\ufe0f\u20e3, 👁\ufe0f'],
    ['bits a\ufe0f 1\ufe0f2 ❤\ufe0f\ufe0f', 'bits a\\ufe0f 1\\ufe0f2 ❤\ufe0f\\ufe0f'],
    ['한글 조합, فارسی\u200cها', '한글 조합, فارسی\u200cها'],
  ])('%j becomes %j', (text, shown) => {
    expect(escapeTerminal(text)).toBe(shown);
  });

  it('keeps newlines and tabs of a block, and nothing else', () => {
    expect(escapeTerminalBlock('a\n\tb\r\u001b')).toBe('a\n\tb\\r\\x1b');
  });

  it('leaves no terminal control in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeTerminal(text)).not.toMatch(
          // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
          /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
        );
      }),
    );
  });

  it('changes no JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.stringify(value);
        expect(JSON.parse(escapeTerminalJson(json))).toEqual(JSON.parse(json));
      }),
    );
    const hostile = JSON.stringify({ 'k\u202e': '\u009b\u{e0041}' });
    expect(escapeTerminalJson(hostile)).toBe('{"k\\u202e":"\\u009b\\udb40\\udc41"}');
    expect(JSON.parse(escapeTerminalJson(hostile))).toEqual(JSON.parse(hostile));
  });
});
