import { type Alphabet, alphabet } from '../alphabet.js';
import { type Expression, ExpressionError } from './expression.js';

const classes: Readonly<Record<string, Alphabet>> = {
  d: alphabet('0-9'),
  w: alphabet('A-Za-z0-9_'),
  s: alphabet(' \t\n\r\v\f\xa0'),
};
const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12, 0: 0 };

/** Throws `ExpressionError` for unsupported syntax, including back-references. */
export function parseExpression(source: string): Expression {
  const reader = new Reader(source);
  const node = reader.choice();
  if (!reader.isAtEnd) throw new ExpressionError(`has an unmatched "${reader.next()}"`);
  return node;
}

class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#source.length;
  }

  next(): string {
    const char = this.#source[this.#at];
    if (char === undefined) throw new ExpressionError('ends too early');
    this.#at += 1;
    return char;
  }

  choice(): Expression {
    const options = [this.#sequence()];
    while (this.#take('|')) options.push(this.#sequence());
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { type: 'choice', options };
  }

  #sequence(): Expression {
    const items: Expression[] = [];
    while (!this.isAtEnd && !this.#sees('|') && !this.#sees(')')) items.push(this.#quantified());
    return { type: 'sequence', items };
  }

  #quantified(): Expression {
    const item = this.#atom();
    const start = this.#at;
    const range = this.#quantifier();
    if (range === undefined) return item;
    const end = this.#at;
    this.#take('?');
    if (this.#quantifier() !== undefined) throw new ExpressionError('has two quantifiers in a row');
    return { type: 'repeat', item, ...range, start, end };
  }

  #quantifier(): { least: number; most: number } | undefined {
    if (this.#take('*')) return { least: 0, most: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { least: 1, most: Number.POSITIVE_INFINITY };
    if (this.#take('?')) return { least: 0, most: 1 };
    const found = /^\{(\d{1,6})(?:(,)(\d{1,6})?)?\}/.exec(
      this.#source.slice(this.#at, this.#at + 20),
    );
    if (found === null) return undefined;
    this.#at += found[0].length;
    const least = Number(found[1]);
    const upper = found[3] === undefined ? Number.POSITIVE_INFINITY : Number(found[3]);
    return { least, most: found[2] === undefined ? least : upper };
  }

  #atom(): Expression {
    const char = this.next();
    if (char === '(') return this.#group();
    if (char === '[') return { type: 'set', set: this.#class() };
    if (char === '\\') return this.#escape();
    if (char === '^' || char === '$') return { type: 'assertion' };
    if (char === '.') return { type: 'set', set: complement(alphabet('\n\r')) };
    return single(char);
  }

  #group(): Expression {
    const opening = /^\?(?::|[=!]|<[=!]|<[A-Za-z_]\w*>)/.exec(
      this.#source.slice(this.#at, this.#at + 80),
    );
    if (opening === null && this.#sees('?')) throw new ExpressionError('has a group it cannot use');
    this.#at += opening?.[0].length ?? 0;
    const inside = this.choice();
    if (!this.#take(')')) throw new ExpressionError('has an unclosed group');
    if (/^\?[=!]/.test(opening?.[0] ?? '')) return { type: 'assertion', ahead: inside };
    return /^\?<[=!]/.test(opening?.[0] ?? '') ? { type: 'assertion' } : inside;
  }

  #escape(): Expression {
    const char = this.next();
    if (char === 'b' || char === 'B') return { type: 'assertion' };
    if (/[1-9kpPuc]/.test(char)) throw new ExpressionError(`uses \\${char}`);
    return { type: 'set', set: this.#escapedSet(char) };
  }

  #escapedSet(char: string): Alphabet {
    const lower = classes[char.toLowerCase()];
    if (lower !== undefined) return char === char.toLowerCase() ? lower : complement(lower);
    return alphabetOf(this.#escapedByte(char));
  }

  #escapedByte(char: string): number {
    if (char !== 'x') return controls[char] ?? char.charCodeAt(0);
    const hex = this.#source.slice(this.#at, this.#at + 2);
    if (!/^[0-9a-f]{2}$/i.test(hex)) throw new ExpressionError('has an incomplete \\x');
    this.#at += 2;
    return Number.parseInt(hex, 16);
  }

  #class(): Alphabet {
    const isNegated = this.#take('^');
    const set = new Uint8Array(256);
    while (!this.#take(']')) {
      const first = this.#classItem();
      const isRange = this.#sees('-') && this.#source[this.#at + 1] !== ']';
      if (typeof first !== 'number' || !isRange) {
        include(set, typeof first === 'number' ? alphabetOf(first) : first);
        continue;
      }
      this.#at += 1;
      const last = this.#classItem();
      if (typeof last !== 'number') throw new ExpressionError('has a class as a range bound');
      for (let byte = first; byte <= last; byte += 1) set[byte] = 1;
    }
    return isNegated ? complement(set) : set;
  }

  #classItem(): number | Alphabet {
    const char = this.next();
    if (char !== '\\') return byteOf(char);
    const escaped = this.next();
    if (escaped === 'b') return 8;
    const known = classes[escaped.toLowerCase()];
    if (known !== undefined) return escaped === escaped.toLowerCase() ? known : complement(known);
    return this.#escapedByte(escaped);
  }

  #sees(char: string): boolean {
    return this.#source[this.#at] === char;
  }

  #take(char: string): boolean {
    if (!this.#sees(char)) return false;
    this.#at += 1;
    return true;
  }
}

function single(char: string): Expression {
  return { type: 'set', set: alphabetOf(byteOf(char)) };
}

function byteOf(char: string): number {
  const code = char.charCodeAt(0);
  if (code > 0x7e) throw new ExpressionError(`contains "${char}", which is not ASCII`);
  return code;
}

function alphabetOf(byte: number): Alphabet {
  const set = new Uint8Array(256);
  set[byte] = 1;
  return set;
}

function include(set: Uint8Array, members: Alphabet): void {
  members.forEach((member, byte) => {
    if (member === 1) set[byte] = 1;
  });
}

function complement(set: Alphabet): Alphabet {
  return set.map((member) => 1 - member);
}
