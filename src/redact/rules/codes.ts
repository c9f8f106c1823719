import { isJumbled } from '../entropy.js';
import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);
const gap = String.raw`(?: ?#?\d)?(?:\\{0,64}["'])?(?: is| was| ist| est| lautet|:| =|=| :){1,2}\s{0,3}(?:\\{0,64}["'\x60*]{1,3})?`;
const digits = String.raw`(?<secret>\d{4,8}|\d{3}[ -]\d{3})(?![\d:-]|\.\d)`;

/** Short numbers that are secret because of the words before them. */
export const codeRules: readonly Rule[] = [
  {
    kind: 'pin',
    anchors: [
      ...[
        'PIN: ',
        'PIN=',
        'PIN = ',
        'PIN is ',
        'pin is ',
        'PIN"',
        'pin: ',
        'pin=',
        'pin = ',
        '_pin"',
        '"pin"',
      ],
      ...[
        'Pin: ',
        'Pin=',
        'Pin"',
        'PUK',
        'OTP: ',
        'OTP=',
        'OTP = ',
        'OTP is ',
        'OTP"',
        'otp: ',
        'otp=',
      ],
      ...[
        'otp"',
        'pin\\',
        'PIN\\',
        'otp\\',
        'OTP\\',
        'TAN: ',
        'TAN ist ',
        'TOTP',
        'PIN ist ',
        'PIN lautet ',
        'PIN for ',
        'PIN-Code',
        'PIN code',
        'PIN est ',
      ],
    ],
    notAfter: nothing,
    shape: new RegExp(
      `(?:PIN|[Pp]in|PUK|T?OTP|otp|TAN)(?:[ -][Cc]ode)?(?: for [a-z ]{2,24})?${gap}${digits}`,
    ),
    evenPlaceholders: true,
    accepts: isCode,
    source: 'sentences; names of settings',
    example: 'SIM PIN: ⟦<code>⟧\n',
  },
  {
    kind: 'one-time-code',
    anchors: [
      'code: ',
      'code is ',
      'code=',
      'code = ',
      'Code: ',
      'Code is ',
      'CODE: ',
      'CODE=',
      'code"',
      'code\\',
      'code ist ',
      'code est ',
      ...['they', 'you', 'I', 'we', 'he', 'she', 'from', 'on', 'via'].map(
        (word) => `code ${word} `,
      ),
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?<=(?:[Vv]erification|VERIFICATION|2FA|MFA|[Ss]ecurity|[Aa]ccess|[Dd]oor|[Ll]ogin|[Ss]ign-in|[Cc]onfirmation|[Aa]uth(?:entication|orization)?|[Oo]ne[- ]time|[Bb]ackup|[Rr]ecovery|SMS|sms|[Uu]nlock|[Aa]larm|[Gg]ate|[Pp]airing|[Ee]ntry|[Bb]est(?:\xc3\xa4|ae)tigungs|[Ss]icherheits)[ _-]?)[Cc](?:ode|ODE)(?: (?:they|you|I|we|he|she|from|on|via)(?: [\w']{1,14}){1,7}(?= is|:))?${gap}${digits}`,
    ),
    evenPlaceholders: true,
    accepts: isCode,
    source: 'sentences of messages with codes',
    example: 'Your verification code is ⟦<code>⟧\n',
  },
  {
    kind: 'one-time-code',
    anchors: [' is your ', ' to verify your', ' to log in', ' to sign in'],
    notAfter: nothing,
    shape:
      /(?<=(?:(?<![\w.])|(?<=\\[nrt]|\[[\d;]{0,8}m))(?<secret>\d{4,8}))(?: is your (?:[A-Z]?\w{1,16} ){0,3}(?:code|OTP|passcode|PIN)|(?<=(?:[Uu]se|[Ee]nter|[Tt]ype) \d{4,8}) to (?:verify your|log in|sign in))/,
    evenPlaceholders: true,
    accepts: isCode,
    source: 'sentences of messages with codes',
    example: 'G-⟦<code>⟧ is your Google verification code.',
  },
  {
    kind: 'one-time-code',
    anchors: ['ne-time password ', 'ne-time code ', 'ne-time passcode '],
    notAfter: nothing,
    shape: new RegExp(`ne-time (?:password|code|passcode) ${digits}`),
    evenPlaceholders: true,
    accepts: isCode,
    source: 'sentences of messages with codes',
    example: 'one-time password ⟦<code>⟧',
  },
  {
    kind: 'totp-secret',
    anchors: ['2FA ', 'MFA ', 'TOTP ', 'totp ', 'uthenticator ', 'etup key '],
    notAfter: nothing,
    shape:
      /(?:[2M]FA|TOTP|totp|uthenticator|etup)(?: (?:seed|secret|setup key|key)){1,2}(?: is|:)? (?<secret>[A-Z2-7]{16,64}|(?:[a-z2-7]{4} ){3,15}[a-z2-7]{4})(?![A-Za-z0-9])/,
    accepts: (secret) => /[2-7]/.test(secret) || isJumbled(secret.replaceAll(' ', '')),
    source: 'RFC 6238; setup pages of authenticators',
    example: '2FA seed: ⟦<base32:32>⟧',
  },
  {
    kind: 'card-code',
    anchors: ['cvv', 'CVV', 'cvc', 'CVC'],
    notAfter: nothing,
    shape:
      /(?:cvv|CVV|cvc|CVC)2?(?:\\{0,64}["'])?(?: code)?(?: is|:| =|=){1,2}\s{0,3}(?:\\{0,64}["'])?(?<secret>\d{3,4})(?!\d)/,
    source: 'PCI DSS, sensitive authentication data',
    example: 'cvv: ⟦<digits:3>⟧\n',
  },
  {
    kind: 'recovery-code',
    anchors: ['ecovery code', 'ackup code', 'cratch code', 'RECOVERY CODE', 'BACKUP CODE'],
    notAfter: nothing,
    shape:
      /(?:ecovery|ackup|cratch|RECOVERY|BACKUP) (?:codes?|CODES?)(?: are| is)?:?(?:[\s\\nrt.)*-]|\d{1,2}[.)] ){1,24}(?<secret>[0-9a-z]{4,8}(?:-[0-9a-z]{4,8}){1,3}(?:[\s,\\nrt*]{1,12}[0-9a-z]{4,8}(?:-[0-9a-z]{4,8}){1,3}){0,15})(?![\w-])/,
    accepts: (secret) => /\d/.test(secret) || isJumbled(secret.replaceAll('-', '')),
    source: 'GitHub, GitLab and npm documentation of recovery codes',
    example: 'Recovery codes:\n⟦<lowalnum:5>-<lowalnum:5>⟧\n',
  },
];

/** Not a year, and nothing that documentation counts up or down. */
function isCode(code: string): boolean {
  const digits = code.replace(/\D/g, '');
  const step = digits.charCodeAt(1) - digits.charCodeAt(0);
  const isCounted = [...digits].every(
    (digit, at) => at === 0 || digit.charCodeAt(0) - digits.charCodeAt(at - 1) === step,
  );
  return !isCounted && !/^(?:19|20)\d\d$/.test(digits);
}
