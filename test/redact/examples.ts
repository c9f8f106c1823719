import { generateKeyPairSync } from 'node:crypto';

/**
 * Turns a row's example template into text with a secret in it, at run time, so that the repository holds no complete
 * token. `⟦…⟧` surrounds the secret where it is less than the whole.
 */
export interface Example {
  readonly text: string;
  readonly secret: string;
}

export interface Dice {
  /** An integer from 0 to below `limit`. */
  below(limit: number): number;
}

/** mulberry32: the same seed throws the same. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return {
    below: (limit) => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
    },
  };
}

const digits = '0123456789';
const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();

const sets: Readonly<Record<string, string>> = {
  digits,
  lower,
  letters: lower + upper,
  lowalnum: digits + lower,
  alnum: digits + lower + upper,
  hex: '0123456789abcdef',
  HEX: '0123456789ABCDEF',
  base32: `${upper}234567`,
  bech32: 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L',
  bech32l: 'qpzry9x8gf2tvdw0s3jn54khce6mua7l',
  base58: '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz',
  b64: `${digits}${lower}${upper}+/`,
  url: `${digits}${lower}${upper}-_`,
};

export function expand(template: string, random: Dice): Example {
  const marked = template.replace(/<(\w+)(?::(\d+))?>/g, (whole, name: string, length?: string) => {
    if (length !== undefined) return draw(sets[name] ?? '', Number(length), random);
    return special(name, random) ?? whole;
  });
  const start = marked.indexOf('⟦');
  const secret = start === -1 ? marked : marked.slice(start + 1, marked.indexOf('⟧'));
  return { text: marked.replace(/[⟦⟧]/g, ''), secret };
}

/** Letters, digits and, where the set has them, both cases: what a generator of secrets practically always yields. */
export function draw(set: string, length: number, random: Dice): string {
  for (;;) {
    let text = '';
    for (let at = 0; at < length; at += 1) text += set[random.below(set.length)] ?? '';
    const lacks = (wanted: RegExp): boolean => wanted.test(set) && !wanted.test(text);
    if (length < 8 || !(lacks(/\d/) || lacks(/[a-z]/) || lacks(/[A-Z]/))) return text;
  }
}

function special(name: string, random: Dice): string | undefined {
  const hex = (length: number): string => draw(sets.hex ?? '', length, random);
  switch (name) {
    case 'uuid':
      return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
    case 'password':
      return `${draw(sets.alnum ?? '', 12, random)}!${draw(sets.alnum ?? '', 4, random)}`;
    case 'basic':
      return Buffer.from(`deploy:${draw(sets.alnum ?? '', 18, random)}`).toString('base64');
    case 'env64':
      return Buffer.from(`DB_PASSWORD=${draw(sets.alnum ?? '', 20, random)}\n`).toString('base64');
    case 'code':
      return `7${draw(digits, 5, random)}`;
    case 'plainauth':
      return Buffer.from(`\0deploy\0${draw(sets.alnum ?? '', 14, random)}`).toString('base64');
    case 'password64':
      return Buffer.from(draw(sets.alnum ?? '', 14, random)).toString('base64');
    case 'discordid':
      return Buffer.from(`1${draw(digits, 17, random)}`)
        .toString('base64')
        .replace(/=+$/, '');
    case 'pem':
      return privateKey();
    case 'pem64':
      return Buffer.from(privateKey()).toString('base64');
    default:
      return undefined;
  }
}

let cachedKey: string | undefined;

function privateKey(): string {
  cachedKey ??= generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;
  return cachedKey;
}
