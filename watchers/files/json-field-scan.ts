/**
 * Reads chosen fields of a JSON row from its bytes without parsing it: the fields at its start, up to a limit, and
 * the flat ones at its end. A row of megabytes costs no more than one of a kilobyte, and a row that is not JSON
 * yields nothing.
 */
export class JsonFieldScan {
  /** By the length of their key. */
  readonly #fields: readonly (readonly Field[])[];
  readonly #outers: ReadonlySet<string>;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #line: Buffer = Buffer.alloc(0);
  #limit = 0;
  #found = 0;
  #enough: Enough = never;

  /** At most 30 names; `a.b` is the field `b` of the object in field `a`. They are numbered in this order, as bits. */
  constructor(names: readonly string[]) {
    const fields = names.map(fieldOf);
    const longest = Math.max(...fields.map(({ key }) => key.length));
    this.#fields = Array.from({ length: longest + 1 }, (_, length) =>
      fields.filter(({ key }) => key.length === length),
    );
    this.#outers = new Set(fields.map(({ outer }) => outer).filter((outer) => outer !== ''));
    this.#starts = new Int32Array(names.length);
    this.#ends = new Int32Array(names.length);
  }

  /** Bits of the fields found in the row. */
  get found(): number {
    return this.#found;
  }

  /**
   * Reads forwards through the first `limit` bytes, nested values included. Stops early once `enough` says so, which
   * is asked after every field and before every nested value.
   */
  forward(line: Buffer, limit: number, enough: Enough = never): void {
    this.#line = line;
    this.#limit = Math.min(line.length, limit);
    this.#found = 0;
    this.#enough = enough;
    const start = this.#skipSpace(0);
    if (line[start] === byte.openBrace) this.#object(start + 1, '');
  }

  /** Reads the same row backwards from its end while its values are flat, through its last `limit` bytes. */
  backward(limit: number): void {
    const line = this.#line;
    const floor = Math.max(0, line.length - limit);
    let at = skipSpaceBack(line, line.length, floor);
    if (line[at - 1] !== byte.closeBrace) return;
    do {
      const end = skipSpaceBack(line, at - 1, floor);
      const start = valueStart(line, end, floor);
      if (start === noIndex) return;
      const colon = skipSpaceBack(line, start, floor);
      if (line[colon - 1] !== byte.colon) return;
      const keyEnd = skipSpaceBack(line, colon - 1, floor);
      const keyStart = stringStart(line, keyEnd, floor);
      if (keyStart === noIndex) return;
      this.#note('', keyStart + 1, keyEnd - 1, start, end);
      at = skipSpaceBack(line, keyStart, floor);
    } while (line[at - 1] === byte.comma);
  }

  /** The string in a field; `undefined` if it was not found, is not a string, or takes more than `maxBytes`. */
  text(index: number, maxBytes: number): string | undefined {
    const start = this.#startOf(index);
    const end = this.#endOf(index);
    if (start === noIndex || this.#line[start] !== byte.quote || end - start > maxBytes) {
      return undefined;
    }
    const raw = this.#line.toString('utf8', start, end);
    return raw.includes('\\') ? unescaped(raw) : raw.slice(1, -1);
  }

  /** Whether a field contains exactly this text, written without escapes. Cheap. */
  is(index: number, text: string): boolean {
    const start = this.#startOf(index) + 1;
    const length = this.#endOf(index) - start - 1;
    if (start === 0 || length !== text.length || this.#line[start - 1] !== byte.quote) return false;
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      if (code > 0x7e || this.#line[start + at] !== code) return false;
    }
    return true;
  }

  /** Whether a field contains `true`. */
  isTrue(index: number): boolean {
    const start = this.#startOf(index);
    return start !== noIndex && this.#line[start] === byte.t;
  }

  #startOf(index: number): number {
    return (this.#found & (1 << index)) === 0 ? noIndex : (this.#starts[index] ?? noIndex);
  }

  #endOf(index: number): number {
    return this.#ends[index] ?? 0;
  }

  /** From the byte after a `{`; returns the index after its `}`, or `noIndex` if reading ends inside. */
  #object(from: number, outer: string): number {
    let at = this.#skipSpace(from);
    if (this.#line[at] === byte.closeBrace) return at + 1;
    while (this.#line[at] === byte.quote) {
      const keyEnd = this.#stringEnd(at);
      if (keyEnd === noIndex) return noIndex;
      const colon = this.#skipSpace(keyEnd);
      if (this.#line[colon] !== byte.colon) return noIndex;
      const end = this.#member(outer, at + 1, keyEnd - 1, this.#skipSpace(colon + 1));
      if (end === noIndex || this.#enough(this.#found, false)) return noIndex;
      const next = this.#skipSpace(end);
      if (this.#line[next] === byte.closeBrace) return next + 1;
      if (this.#line[next] !== byte.comma) return noIndex;
      at = this.#skipSpace(next + 1);
    }
    return noIndex;
  }

  /** One value; the index after it. */
  #member(outer: string, keyStart: number, keyEnd: number, start: number): number {
    const first = this.#line[start];
    const isNested = first === byte.openBrace || first === byte.openBracket;
    if (isNested && this.#enough(this.#found, true)) return noIndex;
    if (first === byte.openBrace && outer === '') {
      const key = this.#line.toString('latin1', keyStart, keyEnd);
      if (this.#outers.has(key)) return this.#object(start + 1, key);
    }
    if (isNested) return this.#nestedEnd(start);
    const end = first === byte.quote ? this.#stringEnd(start) : this.#literalEnd(start);
    if (end !== noIndex) this.#note(outer, keyStart, keyEnd, start, end);
    return end;
  }

  #note(outer: string, keyStart: number, keyEnd: number, start: number, end: number): void {
    const candidates = this.#fields[keyEnd - keyStart];
    if (candidates === undefined) return;
    for (const { index, outer: around, key } of candidates) {
      if (around !== outer || !startsWith(this.#line, keyStart, key)) continue;
      this.#starts[index] = start;
      this.#ends[index] = end;
      this.#found |= 1 << index;
      return;
    }
  }

  #skipSpace(from: number): number {
    let at = from;
    while (at < this.#limit && isSpace(this.#line[at])) at += 1;
    return at;
  }

  /** From its opening quote; returns the index after its closing one. */
  #stringEnd(from: number): number {
    const line = this.#line;
    const limit = this.#limit;
    for (let at = from + 1; at < limit; at += 1) {
      const current = line[at];
      if (current === byte.quote) return at + 1;
      if (current === byte.backslash) at += 1;
    }
    return noIndex;
  }

  #literalEnd(from: number): number {
    let at = from;
    while (at < this.#limit && isLiteral(this.#line[at])) at += 1;
    return at === from || at === this.#limit ? noIndex : at;
  }

  #nestedEnd(from: number): number {
    const line = this.#line;
    const limit = this.#limit;
    let depth = 0;
    for (let at = from; at < limit; at += 1) {
      const current = line[at];
      if (current === byte.quote) {
        at = this.#stringEnd(at) - 1;
        if (at < from) return noIndex;
      } else if (current === byte.openBrace || current === byte.openBracket) depth += 1;
      else if (current === byte.closeBrace || current === byte.closeBracket) {
        depth -= 1;
        if (depth === 0) return at + 1;
      }
    }
    return noIndex;
  }
}

/** `found`: bits of the fields found so far; `isNestedNext`: the next value is nested. */
export type Enough = (found: number, isNestedNext: boolean) => boolean;

interface Field {
  readonly index: number;
  /** '' for a field of the row itself. */
  readonly outer: string;
  readonly key: Buffer;
}

const noIndex = -1;

const byte = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  t: 0x74,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

function never(): boolean {
  return false;
}

function fieldOf(name: string, index: number): Field {
  const [outer = '', key = ''] = name.includes('.') ? name.split('.') : ['', name];
  return { index, outer, key: Buffer.from(key, 'latin1') };
}

function startsWith(line: Buffer, start: number, key: Buffer): boolean {
  for (let at = 0; at < key.length; at += 1) {
    if (line[start + at] !== key[at]) return false;
  }
  return true;
}

/**
 * Where the flat value that ends before `end` starts; `noIndex` for a nested one, or one that starts before `floor`.
 */
function valueStart(line: Buffer, end: number, floor: number): number {
  if (line[end - 1] === byte.quote) return stringStart(line, end, floor);
  let at = end;
  while (at > floor && isLiteral(line[at - 1])) at -= 1;
  return at === end ? noIndex : at;
}

/**
 * Where the string that ends before `end` starts. Inside a string every quote follows an odd number of backslashes,
 * so the first one that does not is the opening quote.
 */
function stringStart(line: Buffer, end: number, floor: number): number {
  if (line[end - 1] !== byte.quote) return noIndex;
  for (let at = end - 2; at >= floor; at -= 1) {
    if (line[at] !== byte.quote) continue;
    let backslashes = 0;
    while (line[at - 1 - backslashes] === byte.backslash) backslashes += 1;
    if (backslashes % 2 === 0) return at;
    at -= backslashes;
  }
  return noIndex;
}

function skipSpaceBack(line: Buffer, from: number, floor: number): number {
  let at = from;
  while (at > floor && isSpace(line[at - 1])) at -= 1;
  return at;
}

function isSpace(value: number | undefined): boolean {
  if (value === undefined || value > 0x20) return false;
  return value === 0x20 || value === 0x0a || value === 0x0d || value === 0x09;
}

/** The characters of numbers and of `true`, `false`, `null`. */
function isLiteral(value: number | undefined): boolean {
  if (value === undefined) return false;
  return (
    (value >= 0x61 && value <= 0x7a) ||
    (value >= 0x30 && value <= 0x39) ||
    value === 0x2d ||
    value === 0x2b ||
    value === 0x2e ||
    value === 0x45
  );
}

function unescaped(raw: string): string | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
