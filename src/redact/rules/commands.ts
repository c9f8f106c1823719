import { alphabet } from '../alphabet.js';
import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);
const dsnBytes = alphabet('!#-&(-.0-9;-?A-[]-_a-~');

/** Secrets identified by their place in a command or a file. */
export const commandRules: readonly Rule[] = [
  {
    kind: 'sql-password',
    anchors: [
      'IDENTIFIED',
      'identified',
      'WITH PASSWORD',
      'with password',
      'PASSWORD ',
      'password ',
      'Password ',
    ],
    shape:
      /(?:(?:identified|IDENTIFIED)(?: (?:WITH|with|USING|using) [\w'"]{1,40})? (?:by|BY|as|AS)(?: (?:VALUES|values))?|(?:WITH |with )?(?:PASSWORD|password|Password)(?: FOR [\w'"@%.-]{1,60})?)\s{1,4}(?:=\s{0,4})?N?\\{0,64}["'](?<secret>[^\s"'\\]{4,200})\\{0,64}["']/,
    accepts: isNoWord,
    source: 'MySQL, PostgreSQL, Oracle and SQL Server manuals',
    example: "CREATE USER app WITH PASSWORD '⟦<password>⟧'",
  },
  {
    kind: 'sql-password',
    anchors: ['PASSWORD(', 'password(', 'Password(', 'OLD_PASSWORD(', 'ENCRYPT('],
    shape:
      /(?:OLD_)?(?:PASSWORD|password|Password|ENCRYPT)\(\s{0,4}N?\\{0,64}["'](?<secret>[^\s"'\\]{4,200})\\{0,64}["']\s{0,4}\)/,
    accepts: isNoWord,
    source: 'MySQL manual, SET PASSWORD',
    example: "SET PASSWORD FOR app = PASSWORD('⟦<password>⟧')",
  },
  {
    kind: 'sql-password',
    anchors: ['.auth(', 'sp_addlogin', 'sp_password', 'changeUserPassword('],
    notAfter: nothing,
    shape:
      /(?:\.auth\(|sp_addlogin|sp_password|changeUserPassword\()\s{0,4}(?:@\w{1,20}\s?=\s?)?N?\\{0,64}["'][^"'\\]{1,64}\\{0,64}["']\s{0,4},\s{0,4}(?:@\w{1,20}\s?=\s?)?N?\\{0,64}["'](?<secret>[^"'\\$]{4,200})\\{0,64}["'](?!\s{0,4}:)/,
    accepts: isNoWord,
    source: 'MongoDB and SQL Server manuals',
    example: 'db.auth("app", "⟦<password>⟧")',
  },
  {
    kind: 'dsn-password',
    anchors: ['@tcp(', '@unix(', '@tcp6('],
    lead: dsnBytes,
    notAfter: nothing,
    shape: /(?<=[\w.-]:)(?<secret>[^\s:"'\\/@]{4,200})@(?:tcp6?|unix)\(/,
    source: 'Go MySQL driver, data source names',
    example: 'app:⟦<password>⟧@tcp(db.internal:3306)/app',
  },
  {
    kind: 'cloud-init-password',
    anchors: ['chpasswd:'],
    shape:
      /chpasswd:(?:\s|\\{1,64}[nrt]|\d{1,6}(?=\\{1,64}t)|expire:|[Ff]alse|[Tt]rue){0,80}list:\s?[|>]?[-+]?(?:\s|\\{1,64}[nrt]|\d{1,6}(?=\\{1,64}t)|["'-]){0,40}[\w.-]{1,64}:(?<secret>[^\s"'\\$]{4,200})/,
    source: 'cloud-init documentation, set-passwords',
    example: 'chpasswd:\n  list: |\n    app:⟦<password>⟧',
  },
  {
    kind: 'signature',
    anchors: ['Signature='],
    notAfter: nothing,
    shape: /(?<=SignedHeaders=[\w;-]{1,200},[ +]{0,2})Signature=(?<secret>[0-9a-f]{64})/,
    source: 'AWS Signature Version 4 documentation',
    example:
      'AWS4-HMAC-SHA256 Credential=x/s3/aws4_request, SignedHeaders=host, Signature=⟦<hex:64>⟧',
  },
  {
    kind: 'signature',
    anchors: ['&Signature=', '?Signature=', '6Signature='],
    notAfter: nothing,
    shape:
      /[&?6](?:(?<=(?:GoogleAccessId|AccessKeyId|Key-Pair-Id|Expires)=[^\s"']{1,600})|(?=Signature=[^\s"'&\\]{27,800}(?:&|\\{1,64}u0026)(?:GoogleAccessId|AccessKeyId|Key-Pair-Id|Expires)=))Signature=(?<secret>(?:[A-Za-z0-9+/_~-]|%[0-9A-Fa-f]{2}){27,700}={0,2})/,
    source: 'signed URLs of Cloud Storage, CloudFront, S3 and OSS',
    example: 'https://storage.googleapis.com/b/k?GoogleAccessId=a&Expires=1&Signature=⟦<b64:80>⟧',
  },
  {
    kind: 'signature',
    anchors: ['response='],
    notAfter: nothing,
    shape: /(?<=[Dd]igest [^\n]{1,600})response=\\{0,64}"?(?<secret>[0-9a-f]{32,128})/,
    source: 'RFC 7616',
    example: 'Authorization: Digest username="app", uri="/", response="⟦<hex:32>⟧"',
  },
  {
    kind: 'secure-string',
    anchors: ['ConvertTo-SecureString', 'convertto-securestring'],
    shape:
      /[Cc]onvert[Tt]o-[Ss]ecure[Ss]tring(?:\s{1,4}-[A-Za-z]{4,12}){0,3}\s{1,4}\\{0,64}["'](?<secret>[^"'\\$]{4,200})\\{0,64}["']/,
    accepts: isNoWord,
    source: 'PowerShell documentation, ConvertTo-SecureString',
    example: '$p = ConvertTo-SecureString "⟦<password>⟧" -AsPlainText -Force',
  },
  {
    kind: 'secure-string',
    anchors: ['SecureString'],
    shape:
      /SecureString\\{0,64}["']\s{0,4},(?:\s|\\{1,64}[nrt]){0,40}\\{0,64}["']Value\\{0,64}["']\s{0,4}:\s{0,4}\\{0,64}["'](?<secret>[^"'\\]{4,4000})/,
    source: 'AWS Systems Manager reference, GetParameter',
    example: '{"Type": "SecureString", "Value": "⟦<password>⟧"}',
  },
  {
    kind: 'netrc-password',
    anchors: ['login', 'machine'],
    notAfter: nothing,
    shape:
      /(?:machine(?:\s|\\{1,64}[nrt]){1,12}[^\s"'\\]{1,200}(?:\s|\\{1,64}[nrt]|(?<=[\sn])\d{1,5}(?:\\{1,64}t|\t|\xe2\x86\x92)){1,16})?(?:login(?:\s|\\{1,64}[nrt]){1,12}[^\s"'\\]{1,200}(?:\s|\\{1,64}[nrt]|(?<=[\sn])\d{1,5}(?:\\{1,64}t|\t|\xe2\x86\x92)){1,16})?password(?:\s|\\{1,64}[nrt]){1,12}(?<secret>[^\s"'\\]{3,300})/,
    accepts: isNoWord,
    source: 'netrc(5)',
    example: 'machine api.example.org\n  login ci\n  password ⟦<password>⟧',
  },
  {
    kind: 'pgpass-password',
    anchors: [':5432:', ':5433:', ':6543:', ':6432:'],
    notAfter: nothing,
    shape: /:\d{4}:[^:\s"'\\/]{1,64}:[^:\s"'\\/]{1,64}:(?<secret>[^\s"'\\:]{4,200})/,
    source: 'PostgreSQL manual, password file',
    example: 'db.internal:5432:app:deploy:⟦<password>⟧',
  },
  {
    kind: 'pgpass-password',
    anchors: ['*:*:'],
    notAfter: nothing,
    shape: /\*:\*:(?:\*|[\w-]{1,64}):[\w.-]{1,64}:(?<secret>[^\s"'\\:]{4,200})/,
    source: 'PostgreSQL manual, password file',
    example: '*:*:*:deploy:⟦<password>⟧',
  },
  {
    kind: 'private-key-base64',
    anchors: ['LS0tLS1CRUdJTi'],
    shape: /LS0tLS1CRUdJTi[A-Za-z0-9+/=]{60,4000}/,
    accepts: wrapsPrivateKey,
    evenPlaceholders: true,
    source: 'Kubernetes client configuration',
    example: 'client-key-data: ⟦<pem64>⟧',
  },
  {
    kind: 'xml-private-key',
    anchors: ['<D>', '<P>', '<Q>', '<DP>', '<DQ>', '<InverseQ>'],
    shape: /<(?:D|P|Q|DP|DQ|InverseQ)>(?<secret>[A-Za-z0-9+/=]{40,1000})<\//,
    evenPlaceholders: true,
    source: '.NET documentation, RSA.ToXmlString',
    example: '<RSAKeyValue><D>⟦<b64:172>⟧</D></RSAKeyValue>',
  },
];

/** In prose a word follows; so does the end of a sentence. */
function isNoWord(secret: string): boolean {
  return !/^[A-Za-z][a-z]*[.,:;!?]?$/.test(secret) || secret.length >= 16;
}

/** A certificate or a public key begins the same way but is not secret. */
function wrapsPrivateKey(secret: string): boolean {
  return Buffer.from(secret.slice(0, 80), 'base64').toString('latin1').includes('PRIVATE KEY');
}
