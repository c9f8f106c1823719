import { isTypedPassword } from '../assignments/typed-password.js';
import { hasUpperLowerDigit, isJumbled } from '../entropy.js';
import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);
const value = valueWithout('');
const accounts = [
  ...['admin', 'administrator', 'root', 'user', 'deploy', 'test', 'tester', 'demo', 'guest', 'bot'],
  ...['login', 'qa', 'dev', 'staging', 'postgres', 'account', 'service', 'support', 'operator'],
  ...['manager', 'editor', 'owner', 'superuser', 'sysadmin', 'ubuntu', 'pi', 'ci', 'ops', 'sa'],
];
const domains = [
  'com',
  'org',
  'net',
  'io',
  'dev',
  'de',
  'co',
  'local',
  'test',
  'example',
  'internal',
];

/** Logins as protocols and people write them: the password after its user. */
export const dialogueRules: readonly Rule[] = [
  {
    kind: 'password',
    anchors: [...accounts.map((name) => `${name} / `), ...domains.map((domain) => `.${domain} / `)],
    notAfter: nothing,
    shape: new RegExp(String.raw`[\w.]{2,16} \/ (?:\\{0,64}["'\x60])?${value}`),
    accepts: isStrong,
    source: 'logins in notes and messages',
    example: 'qa-user / ⟦<password>⟧\n',
  },
  {
    kind: 'password',
    anchors: ['admin:', 'root:', 'deploy:', 'postgres:', 'ubuntu:', 'user:', 'login:'],
    shape: new RegExp(`[a-z]{4,8}:${valueWithout('@/')}`),
    accepts: isStrong,
    source: 'logins in notes and messages',
    example: 'try root:⟦<password>⟧ instead\n',
  },
  {
    kind: 'password',
    anchors: ['password ', 'passphrase ', 'pass ', 'pw '],
    shape: new RegExp(
      String.raw`(?<=(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))(?:[Uu]ser(?:name)?|login) [\w.@+-]{2,64}(?:,? and|,| with)? (?:the )?)(?:pass(?:word|phrase)?|pw) (?:\\{0,64}["'\x60])?${value}`,
    ),
    accepts: isTypedPassword,
    source: 'logins in notes and messages',
    example: 'username deploy, password ⟦<password>⟧\n',
  },
  {
    kind: 'password',
    anchors: ['koden til', 'Koden til', 'kode til ', 'koden er ', 'koden är ', 'Koden er '].map(
      utf8,
    ),
    shape: new RegExp(
      String.raw`[Kk]oden? (?:tille? |till? (?:[\w\x80-\xff-]{1,24} ){1,3})?(?:er|\xc3\xa4r):? (?:\\{0,64}["'\x60])?${value}`,
    ),
    accepts: isStrong,
    source: 'sentences in Danish, Norwegian and Swedish',
    example: 'koden til routeren er ⟦<password>⟧\n',
  },
  {
    kind: 'password',
    anchors: ['PASS '],
    shape: new RegExp(`PASS ${valueWithout('/:')}`),
    accepts: isStrong,
    source: 'RFC 959, RFC 1939, RFC 2812',
    example: '+OK ready\nPASS ⟦<password>⟧\n',
  },
  {
    kind: 'password',
    anchors: ['og in as ', 'ogin as ', 'igned in as ', 'ogged in as '],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:og ?in|igned in|ogged in) as [\w.@+-]{2,64} (?:with|using|and) (?:\\{0,64}["'\x60])?${value}`,
    ),
    accepts: isStrong,
    source: 'sentences',
    example: 'log in as deploy with ⟦<password>⟧\n',
  },
  {
    kind: 'password',
    anchors: ['AUTH '],
    shape: new RegExp(String.raw`AUTH [\w.-]{2,32} ${value}`),
    accepts: (text) => isStrong(text) || isGenerated(text),
    source: 'Redis command reference, AUTH',
    example: 'AUTH default ⟦<password>⟧\n',
  },
  {
    kind: 'password',
    anchors: ['AUTH PLAIN ', 'AUTHENTICATE PLAIN ', 'AUTH PLAIN=', 'auth plain '],
    shape:
      /(?:AUTH(?:ENTICATE)?|auth) (?:PLAIN|plain)[ =](?<secret>[A-Za-z0-9+/]{8,400}={0,2})(?![A-Za-z0-9+/=])/,
    accepts: (secret) => /^[^\0]{0,64}\0[^\0]{1,64}\0[^\0]+$/.test(decoded(secret)),
    source: 'RFC 4616',
    example: 'AUTH PLAIN ⟦<plainauth>⟧\n',
  },
  {
    kind: 'password',
    anchors: ['UGFzc3dvcmQ6'],
    notAfter: nothing,
    shape:
      /UGFzc3dvcmQ6(?:\s|\\{1,64}[nr]|[CS>]:? ){1,12}(?<secret>[A-Za-z0-9+/]{8,400}={0,2})(?![A-Za-z0-9+/=])/,
    accepts: (secret) => /^[\x20-\x7e]{6,}$/.test(decoded(secret)),
    source: 'AUTH LOGIN of mail servers',
    example: '334 UGFzc3dvcmQ6\n⟦<password64>⟧\n',
  },
  {
    kind: 'password',
    anchors: ['assword:: ', 'asswd:: '],
    notAfter: nothing,
    shape: /assw(?:or)?d:: (?<secret>[A-Za-z0-9+/]{8,400}={0,2})(?![A-Za-z0-9+/=])/,
    accepts: (secret) => /^[\x20-\x7e]{6,}$/.test(decoded(secret)),
    source: 'RFC 2849',
    example: '\nuserPassword:: ⟦<password64>⟧\n',
  },
];

function utf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function valueWithout(bytes: string): string {
  return String.raw`(?<secret>[^\s"'\x60\\<>,;()${bytes}]{6,128})(?=[\s"'\x60\\,;)]|$)`;
}

const kinds: readonly RegExp[] = [/[a-z]/, /[A-Z]/, /\d/, /[!#$%&*+=?@^~]/];

/** Three kinds of characters, among them a sign: nobody writes anything else like this beside an account. */
function isStrong(text: string): boolean {
  if (text.length < 8 || !/[!#$%&*+=?@^~]/.test(text) || /[(){}[\]|]/.test(text)) return false;
  return kinds.filter((kind) => kind.test(text)).length >= 3 && isTypedPassword(text);
}

function isGenerated(text: string): boolean {
  return text.length >= 16 && hasUpperLowerDigit(text) && isJumbled(text);
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}
