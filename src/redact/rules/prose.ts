import { isTypedPassword } from '../assignments/typed-password.js';
import { hasUpperLowerDigit, isDense, isJumbled } from '../entropy.js';
import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);
/** The mark of a removed or added line belongs to no password. */
const noDiffMark = String.raw`(?!(?<=^|[\r\n"'\x60]|\\[nr])[-+])`;
/** The password itself, quoted or not, with what follows it in the expression. */
const before = String.raw`(?<=(?<secret>${noDiffMark}[^\s"'\x60\\([\x1b]{6,64})(?:\\{0,64}["'\x60)])?)`;
const foreignLogins = ['доступ', 'Доступ', '账号', '帳號', 'アカウント', '계정'];
const foreignLogin = foreignLogins.map(inBytes).join('|');
const value = String.raw`(?<secret>[^\s"'\x60\\/<>,;)]{6,64})`;

/**
 * Logins written down in prose: name and password side by side, or the password before the word for
 * it.
 */
export const proseRules: readonly Rule[] = [
  {
    kind: 'password',
    anchors: [
      ' as the password',
      ' as password',
      ' as your password',
      ' as its password',
      ' as a password',
      ...['the root', 'the admin', 'the db', 'the database', 'the new', 'the sudo', 'the wifi']
        .concat(
          'my',
          'my root',
          'my admin',
          'my new',
          'our',
          'our root',
          'our admin',
          'root',
          'admin',
        )
        .map((owner) => ` as ${owner} password`),
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`${before} as (?:the |your |its |a |my |our )?(?:\w{2,12} )?password(?! (?:store|manager|field|hash))`,
    ),
    accepts: isTypedPassword,
    source: 'sentences',
    example: 'sign in with ⟦<password>⟧ as the password',
  },
  {
    kind: 'password',
    anchors: [
      ...['the', 'my', 'your', 'our', 'the root', 'the admin', 'the new', 'the current', 'the db'],
      ...['the database', 'the wifi', 'the sudo'],
    ].map((owner) => ` is ${owner} password`),
    notAfter: nothing,
    shape: new RegExp(String.raw`${before} is (?:the|my|your|our) (?:\w{2,12} )?password`),
    accepts: isStrong,
    source: 'sentences',
    example: '⟦<password>⟧ is the root password',
  },
  {
    kind: 'password',
    anchors: [' to log in', ' to login', ' to sign in', ' to log into', ' to unlock the'],
    notAfter: nothing,
    shape: new RegExp(`${before} to (?:log ?in|sign in|unlock the)`),
    accepts: isStrong,
    source: 'sentences',
    example: 'use ⟦<password>⟧ to log in',
  },
  {
    kind: 'password',
    anchors: [" (that's the ", ' (that is the '],
    notAfter: nothing,
    shape: new RegExp(String.raw`${before} \(that(?:'| i)s the (?:\w{2,12} )?password`),
    accepts: isStrong,
    source: 'sentences',
    example: "set it to ⟦<password>⟧ (that's the root password)",
  },
  {
    kind: 'password',
    anchors: ['the', 'my', 'our', 'the root', 'the admin', 'the new', 'the db', 'the database']
      .concat('my root', 'my admin', 'my new', 'our root', 'our admin')
      .map((owner) => ` (${owner} password)`),
    notAfter: nothing,
    shape: new RegExp(String.raw`${before} \((?:the|my|our) (?:\w{2,12} )?password\)`),
    accepts: isStrong,
    source: 'sentences',
    example: 'I set it to ⟦<password>⟧ (the db password)',
  },
  {
    kind: 'password',
    anchors: [
      'credentials',
      'Credentials',
      'creds',
      'Creds',
      'login: ',
      'Login: ',
      'og in with ',
      'ogin with ',
      ...[
        'ugangsdaten',
        'identifiants',
        'Identifiants',
        'credenciales',
        'credenziali',
        'logowania',
      ],
      ...foreignLogins.map(utf8),
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:[Cc]red(?:ential)?s|[Ll]ogin:|og ?in with|[Zz]?ugangsdaten|[Ii]dentifiants|credenciales|credenziali|logowania|(?:${foreignLogin})[^\s:"\\]{0,16})(?: (?:are|is|for [\w.-]{1,40}))?:?\s{1,2}(?:\\{0,64}["'\x60])?[\w.@+-]{2,64}(?:\\{0,64}["'\x60])?(?: \/ |:|\/| and )(?:\\{0,64}["'\x60])?${value}(?:[\s"'\x60\\,;).]|$)`,
    ),
    accepts: isTypedPassword,
    source: 'sentences',
    example: 'credentials: deploy / ⟦<password>⟧\n',
  },
  {
    kind: 'password',
    anchors: ['assword from ', 'asscode from ', 'assphrase from '],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`ass(?:word|code|phrase) from (?:\\{0,64}["'\x60])?${value}(?:\\{0,64}["'\x60])? to `,
    ),
    accepts: isTypedPassword,
    source: 'sentences',
    example: 'changed the password from ⟦<password>⟧ to something else',
  },
  {
    kind: 'password',
    anchors: ['assword (', "assword's ", 'assphrase (', "assphrase's "],
    notAfter: nothing,
    shape: new RegExp(String.raw`ass(?:word|phrase)(?: \(|'s )${value}(?=[\s).,;]|\\|$)`),
    accepts: isStrong,
    source: 'sentences',
    example: 'the password (⟦<password>⟧) expires soon',
  },
  {
    kind: 'password',
    anchors: [' pass is ', ' pass was ', ' pw is ', ' pwd is '],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?<=\b(?:db|database|admin|root|wi-?fi|login|user|server|ssh|sudo|vpn|e?mail|smtp|ftp|my|the|our|their|his|her|its)) (?:pass|pwd?) (?:is|was) (?:\\{0,64}["'\x60])?${value}`,
    ),
    accepts: isStrong,
    source: 'sentences',
    example: 'the db pass is ⟦<password>⟧',
  },
  {
    kind: 'password',
    anchors: ['asswords: ', 'asswords are ', 'asswords = '],
    notAfter: nothing,
    shape:
      /asswords(?::| are| =) (?<secret>[^\s"'\x60\\/<>,;)]{6,64}(?:(?:, | and |, and )[^\s"'\x60\\/<>,;)]{6,64}){0,9})/,
    accepts: (secret) => secret.split(/, and |, | and /).every(isStrong),
    source: 'sentences',
    example: 'the passwords are ⟦<password>⟧',
  },
  {
    kind: 'key',
    anchors: ['key is ', 'Key is ', 'key was '],
    shape: /[Kk]ey (?:is|was):? (?:\\{0,64}["'\x60])?(?<secret>[A-Za-z0-9+/=_-]{20,400})/,
    accepts: isGenerated,
    source: 'sentences',
    example: 'the key is ⟦<alnum:32>⟧',
  },
  {
    kind: 'key',
    anchors: ['you', 'I', 'we', 'they', 'he', 'she', 'to use', 'that'].map((who) => `key ${who} `),
    notAfter: nothing,
    shape:
      /key(?: [A-Za-z']{1,12}){1,9}(?::| is| was| =| ->| =>| \xe2\x86\x92) {1,2}(?:\\{0,64}["'\x60])?(?<secret>[A-Za-z0-9+/=_-]{20,400})/,
    accepts: isGenerated,
    source: 'sentences',
    example: 'the key you asked for: ⟦<alnum:32>⟧',
  },
];

/** Two kinds of characters, at least two of them digits, or a sign: no ordinary word. */
function isStrong(text: string): boolean {
  if (text.length < 8 || /[(){}[\]|]/.test(text) || !isTypedPassword(text)) return false;
  return /[!#$%&*+=?@^~]/.test(text) || (/\d{2}/.test(text) && /[A-Za-z]{3}/.test(text));
}

function isGenerated(text: string): boolean {
  return hasUpperLowerDigit(text) && isDense(text) && isJumbled(text);
}

function utf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** As an expression for latin1 text. */
function inBytes(text: string): string {
  return [...Buffer.from(text, 'utf8')].map((byte) => `\\x${byte.toString(16)}`).join('');
}
