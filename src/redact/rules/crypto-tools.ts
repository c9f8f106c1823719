import { alphabet, hexDigits } from '../alphabet.js';
import { isAlgorithm } from '../assignments/samples.js';
import { isTypedPassword } from '../assignments/typed-password.js';
import { hasUpperLowerDigit, isDense, isJumbled } from '../entropy.js';
import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);
const quote = String.raw`\\{0,64}["'\x60]`;
const lineBreak = String.raw`(?:\r?\n|(?:\\{1,8}r)?\\{1,8}n)`;
const plain = String.raw`[^\s"'\x60\\:]{4,64}`;
const plainEnd = String.raw`(?=[\s"'\x60\\]|$)`;
const rawHash = '[0-9a-fA-F]{32,64}';
const owners =
  'auth|authentication|authorization|credentials?|secrets?|api|apis|service|provider|openai|anthropic|azure|mistral|cohere|gemini|' +
  'deepgram|assemblyai|elevenlabs|serper|datadog|newrelic|algolia|mapbox|sendgrid|mailgun|twilio|weather|maps|signing|encryption';

const emptyLmHash = 'aad3b435b51404eeaad3b435b51404ee';
const emptyNtHash = '31d6cfe0d16ae931b73c59d7e0c089c0';

/** Secrets in the input and the output of tools for keys and passwords. */
export const cryptoToolRules: readonly Rule[] = [
  {
    kind: 'command-password',
    anchors: [
      ...['assword-command', 'ASSWORD_COMMAND', 'assword_command', 'asswordCommand', 'PASSCOMMAND'],
      ...['asscommand', 'assphrase-command', 'asswordeval', 'PassCmd', 'ASKPASS', 'askpass'],
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:ass(?:word|phrase)[-_]?[Cc]ommand|ASSWORD_COMMAND|PASSCOMMAND|asscommand|asswordeval|PassCmd|ASKPASS|askpass)[ =:]{1,3}(?:${quote}){0,2}(?:\$\(|!)?(?:echo|printf)(?: -[ne]{1,2})?(?: (?:${quote})?%s(?:\\{1,64}n)?(?:${quote})?)? {1,2}(?:${quote})?(?<secret>[^\s"'\x60\\)$<]{6,128})`,
    ),
    accepts: isTypedPassword,
    source: 'restic, BorgBackup, msmtp, mbsync and Git manuals',
    example: "restic --password-command 'echo ⟦<password>⟧' snapshots",
  },
  {
    kind: 'cracked-password',
    anchors: ['$2a$', '$2b$', '$2y$', '$krb5', '$6$', '$5$', '$1$', '$y$', '$argon2', '$P$'],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`\$(?:2[aby]\$\d\d\$[./A-Za-z0-9]{53}|krb5[a-z]{2,8}\$[^\s"'\x60\\]{20,3000}|(?:[156]|y|P|argon2(?:id?|d))\$[^\s"'\x60\\:]{16,300}):(?<secret>${plain})${plainEnd}`,
    ),
    accepts: isCracked,
    evenPlaceholders: true,
    source: 'hashcat and John the Ripper documentation, potfiles',
    example: '$2y$10$<alnum:53>:⟦<password>⟧',
  },
  {
    kind: 'cracked-password',
    anchors: ['hashcat', 'potfile', '.pot', 'cracked', 'Cracked', 'rockyou', 'NTLM', 'ntlm'],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:hashcat|potfile|\.pot|[Cc]racked|rockyou|NTLM|ntlm)(?:[^\n]|\n){0,600}?(?:(?<![0-9a-zA-Z$/:])|(?<=\\[nrt]))${rawHash}:(?<secret>${plain}(?:${lineBreak}${rawHash}:${plain}){0,40})${plainEnd}`,
    ),
    accepts: (secret) => isCracked(secret.split(':').at(-1) ?? ''),
    source: 'hashcat documentation, --show and potfiles',
    example: 'hashcat -m 1000 hashes.txt --show\n<hex:32>:⟦<password>⟧\n',
  },
  {
    kind: 'cracked-password',
    anchors: hexPairs().map((pair) => `${pair}:`),
    lead: hexDigits,
    notAfter: alphabet('0-9A-Za-z$/.+_-'),
    shape: new RegExp(`[0-9a-fA-F]{32,64}:(?<secret>${plain})${plainEnd}`),
    accepts: isTypedPlain,
    evenPlaceholders: true,
    source: 'hashcat documentation: a line of a potfile',
    example: '<hex:32>:⟦<password>⟧',
  },
  {
    kind: 'ntlm-hash',
    anchors: [emptyLmHash],
    notAfter: nothing,
    shape: new RegExp(`${emptyLmHash}:(?<secret>[0-9a-f]{32})`),
    accepts: (hash) => hash !== emptyNtHash,
    source: 'Impacket, secretsdump: a hash is enough to log in',
    example: `deploy:1104:${emptyLmHash}:⟦<hex:32>⟧:::`,
  },
  {
    kind: 'ntlm-hash',
    anchors: [':::'],
    notAfter: nothing,
    shape: /(?<=:\d{3,7}:[0-9a-f]{32}:(?<secret>[0-9a-f]{32})):::/,
    accepts: (hash) => hash !== emptyNtHash,
    source: 'Impacket, secretsdump',
    example: 'deploy:1104:<hex:32>:⟦<hex:32>⟧:::',
  },
  {
    kind: 'cracked-password',
    anchors: ['[+] ', '[*] '],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`\[[+*]\] (?:[\w.:-]{1,60} (?:- )?){0,3}[\w.-]{1,40}\\{1,64}[\w.$-]{1,40}:(?<secret>${plain})${plainEnd}`,
    ),
    accepts: isSprayed,
    source: 'NetExec documentation',
    example: '[+] acme.local\\deploy:⟦<password>⟧ (Pwn3d!)',
  },
  {
    kind: 'cracked-password',
    anchors: ["uccess: '", "uccessful: '"],
    notAfter: nothing,
    shape: new RegExp(String.raw`uccess(?:ful)?: '[\w.@\\$-]{1,64}:(?<secret>${plain})'`),
    accepts: isCracked,
    evenPlaceholders: true,
    source: 'Metasploit, login scanners',
    example: "[+] 10.0.0.5:22 - Success: 'root:⟦<password>⟧' 'uid=0(root)'",
  },
  {
    kind: 'cracked-password',
    anchors: ['password hash'],
    notAfter: nothing,
    shape:
      /password hash(?:es)?(?:[^\n]|\n){0,400}?(?<=\n|\\n)(?<secret>[^\s"'\x60\\]{4,64}) {2,24}\([\w?.@-]{1,40}\)/,
    accepts: isCracked,
    evenPlaceholders: true,
    source: 'John the Ripper documentation',
    example: 'Loaded 1 password hash (sha512crypt)\n⟦<password>⟧       (deploy)\n',
  },
  {
    kind: 'key',
    anchors: ['sk = ', 'sk=', 'sk: ', 'sk"', "sk'", 'sk\\'],
    isWord: true,
    shape: new RegExp(
      String.raw`sk(?:${quote})?\s{0,2}[:=]\s{0,2}b?${quote}(?<secret>[A-Za-z0-9+/_-]{32,128}={0,2})${quote}`,
    ),
    accepts: isGenerated,
    source: 'documentation of signing libraries: sk is the secret key, pk the public one',
    example: 'sk = "⟦<alnum:40>⟧"',
  },
  {
    kind: 'key',
    anchors: ['key = b', 'key=b', 'KEY = b', 'KEY=b', 'key: bytes = b'],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:key|KEY)(?:: bytes)?\s{0,2}=\s{0,2}b${quote}(?<secret>[^\s"'\x60\\]{16,64})${quote}`,
    ),
    accepts: isGenerated,
    source: 'documentation of Python cryptography libraries',
    example: 'key = b"⟦<alnum:32>⟧"',
  },
  {
    kind: 'key',
    anchors: ['key"', 'key\\', "key'"],
    shape: new RegExp(
      String.raw`key${quote}\s?:\s?${quote}(?<secret>[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})${quote}(?<=(?:(?:${owners})${quote}\s?:\s?\{[^{}]{0,160}|${quote}(?:provider|service|vendor)${quote}\s?:\s?${quote}[\w.-]{2,30}${quote},[^{}]{0,100})key${quote}\s?:\s?${quote}[0-9a-f]{32,64}${quote})`,
    ),
    source: 'configurations that name a service and its key apart',
    example: '{"deepgram": {"model": "nova", "key": "⟦<hex:40>⟧"}}',
  },
];

function hexPairs(): readonly string[] {
  return Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
}

/** What names neither an algorithm nor a file: a word with a number, or with digits and a sign. */
function isTypedPlain(text: string): boolean {
  if (!isCracked(text) || isAlgorithm(text) || text.length < 6) return false;
  return /^[A-Za-z]{4,}\d{2,6}[!@#$%^&*?.]{0,2}$/.test(text) || isSprayed(text);
}

function isSprayed(text: string): boolean {
  return (
    text.length >= 8 && /[!@#$%^&*?]/.test(text) && /[A-Z]/.test(text) && isTypedPassword(text)
  );
}

/** Any word may have been a password; numbers, paths and file names follow hashes as well. */
function isCracked(text: string): boolean {
  return /[A-Za-z]/.test(text) && !/[/<>{}]|^[\w-]+(?:\.\w{1,5}){1,2}$|^(?:sha|md)\d/.test(text);
}

function isGenerated(text: string): boolean {
  return hasUpperLowerDigit(text) && isDense(text) && isJumbled(text);
}
