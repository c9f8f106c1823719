import { alphabet } from '../alphabet.js';
import { isTypedPassword } from '../assignments/typed-password.js';
import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);
const quoted = alphabet('!-~');
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
    ],
    lead: quoted,
    notAfter: nothing,
    shape:
      /\\{0,64}["'\x60(]?(?<secret>[^\s"'\x60\\]{6,64})(?:\\{0,64}["'\x60)])? as (?:the |your |its |a )?password/,
    accepts: isTypedPassword,
    source: 'sentences',
    example: 'sign in with ⟦<password>⟧ as the password',
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
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:[Cc]red(?:ential)?s|[Ll]ogin:|og ?in with)(?: (?:are|is|for [\w.-]{1,40}))?:?\s{1,2}(?:\\{0,64}["'\x60])?[\w.@+-]{2,64}(?:\\{0,64}["'\x60])?(?: \/ |:|\/| and )(?:\\{0,64}["'\x60])?${value}(?:[\s"'\x60\\,;).]|$)`,
    ),
    accepts: isTypedPassword,
    source: 'sentences',
    example: 'credentials: deploy / ⟦<password>⟧\n',
  },
];
