import { isTypedPassword } from '../assignments/typed-password.js';
import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);
const quote = String.raw`\\{0,64}["']`;

/** Secrets that SQL statements and functions take without a telling name. */
export const sqlRules: readonly Rule[] = [
  {
    kind: 'sql-password',
    anchors: ['IDENTIFIED BY', 'identified by'],
    shape:
      /(?:IDENTIFIED BY|identified by) {1,4}(?<secret>[^\s"'\\;,()]{6,128})(?:[\s;,]|\\{1,64}[nr"']|["'])/,
    accepts: isTypedPassword,
    source: 'Oracle SQL reference, CREATE USER',
    example: 'ALTER USER app IDENTIFIED BY ⟦<password>⟧;',
  },
  {
    kind: 'sql-password',
    anchors: ['crypt(', 'CRYPT('],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:crypt|CRYPT)\(\s?${quote}(?<secret>[^\s"'\\]{6,128})${quote}\s?,`,
    ),
    accepts: isTypedPassword,
    source: 'PostgreSQL manual, pgcrypto',
    example: "SELECT crypt('⟦<password>⟧', gen_salt('bf'))",
  },
  {
    kind: 'sql-password',
    anchors: [
      'AES_ENCRYPT(',
      'AES_DECRYPT(',
      'pgp_sym_encrypt(',
      'pgp_sym_decrypt(',
      'ENCRYPTBYPASSPHRASE(',
    ],
    shape: new RegExp(
      String.raw`[A-Za-z_]{11,22}\((?:\s?(?:${quote}[^"'\\\n]{0,80}${quote}|[\w.:]{1,60})\s?,)?\s?${quote}(?<secret>[^\s"'\\]{6,128})${quote}`,
    ),
    accepts: isTypedPassword,
    source: 'MySQL, PostgreSQL and SQL Server manuals',
    example: "SELECT AES_DECRYPT(note, '⟦<password>⟧')",
  },
  {
    kind: 'sql-password',
    anchors: [
      'PRAGMA key',
      'pragma key',
      'PRAGMA rekey',
      'ATTACH ',
      'attach ',
      'SECRET = ',
      'SECRET=',
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:(?:PRAGMA|pragma) (?:re)?key\s?=|(?:ATTACH|attach) [^\n]{1,120}? (?:KEY|key) |(?<=CREDENTIAL [^\n]{1,200})SECRET\s?=)\s{0,4}${quote}(?<secret>[^\s"'\\]{6,128})${quote}`,
    ),
    accepts: isTypedPassword,
    source: 'SQLCipher and SQL Server manuals',
    example: "PRAGMA key = '⟦<password>⟧';",
  },
  {
    kind: 'sql-password',
    anchors: ['jdbc:oracle:thin:'],
    shape: /jdbc:oracle:thin:[\w.$-]{1,60}\/(?<secret>[^\s"'\\@/]{4,128})@/,
    source: 'Oracle JDBC documentation',
    example: 'jdbc:oracle:thin:app/⟦<password>⟧@db:1521:shop',
  },
];
