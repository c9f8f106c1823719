import { alphabet, isIn } from '../alphabet.js';
import { type Argument, argumentsFrom } from '../arguments.js';
import type { Trigger } from '../detector.js';
import { type ScanContext, weights } from '../scan-context.js';
import { isCommandPassword } from './command.js';

/** Secrets piped into a command: `echo SECRET | docker login --password-stdin`. */

const readers = [
  'sudo -S',
  'chpasswd',
  'password-stdin',
  'passwd --stdin',
  '| passwd',
  'vncpasswd',
  'smbpasswd',
  '--with-token',
  'secret set',
  'secret put',
  'secret create',
  'secrets create',
  'secrets:set',
  'env add',
  'cryptsetup',
  'kinit',
  'passphrase-fd',
  '-pass stdin',
  'pass insert',
  'data-file=-',
  'su -c',
  'su - ',
  'ssh-add',
  'htpasswd -i',
  'cargo login',
  ...[
    'age -p',
    'age -d',
    'age -e',
    'age --',
    'rage -',
    'ansible-vault',
    'mkpasswd',
    'openssl passwd',
  ],
  ...['openssl enc', 'veracrypt', 'vault login', 'gocryptfs', 'zfs load-key'],
  ...['bw unlock', 'op signin', 'restic ', 'borg ', 'gpg-preset-passphrase'],
];

export const pipedSecretTriggers: readonly Trigger[] = readers.map((literal) => {
  // The pipe itself precedes the reader.
  const lead = literal.startsWith('|') ? 1 : 0;
  return {
    literal,
    detector: {
      isWorthwhile: (bytes: Buffer, at: number) => isFed(bytes, at + lead),
      detect: (context: ScanContext, at: number) => detect(context, at + lead, literal),
    },
  };
});

const lookBack = 400;
const lookAhead = 160;
const writtenLine = /(?:(?!\\{1,64}[nr])[^\n])+/g;
const wordBytes = alphabet('A-Za-z0-9_');
const writer = /(?:(?<![\w-])|(?<=\\[nrt]))(?:echo|printf|print|yes)[ \t]/g;

function isFed(bytes: Buffer, at: number): boolean {
  const text = bytes.toString('latin1', Math.max(0, at - lookBack), at);
  const pipe = text.lastIndexOf('|');
  if (pipe !== -1 && /(?:echo|printf|print|yes)[ \t]/.test(text.slice(0, pipe))) return true;
  return bytes.subarray(at, at + lookAhead).includes('<<<');
}

function detect(context: ScanContext, at: number, reader: string): void {
  const { bytes } = context;
  context.charge(4);
  const isPair = reader === 'chpasswd';
  const from = Math.max(0, at - lookBack);
  const text = context.text(from, at);
  const last = [...text.matchAll(writer)].at(-1);
  if (last !== undefined) {
    const start = from + last.index + last[0].length;
    const written = argumentsFrom(bytes, start);
    const end = written.at(-1)?.end ?? start;
    // Exactly one pipe separates the writer from the reader.
    if (/^[^|\n]{0,80}\|[^|\n]{0,80}$/.test(context.text(end, at)))
      addAll(context, written, isPair);
  }
  const here = context.text(at, at + lookAhead).indexOf('<<<');
  if (here !== -1) addAll(context, argumentsFrom(bytes, at + here + 3).slice(0, 1), isPair);
}

function addAll(context: ScanContext, written: readonly Argument[], isPair: boolean): void {
  for (const argument of written) {
    const text = context.text(argument.start, argument.end);
    if (/^(?:-[a-zA-Z]{1,3}|%.*)$/.test(text)) continue;
    const user = isPair ? /^[^:\s]{1,64}:/.exec(text)?.[0].length : 0;
    if (user === undefined) continue;
    const isCertain = argument.isQuoted || isPair;
    // `passwd` asks twice: the argument may hold the password twice, with newlines between and after.
    for (const line of text.slice(user).matchAll(writtenLine)) {
      const start = argument.start + user + line.index;
      const secret = line[0];
      if (!isIn(wordBytes, secret.charCodeAt(0)) && !/^[^$<{[`]/.test(secret)) continue;
      if (!isCommandPassword(secret, isCertain)) continue;
      context.add(start, start + secret.length, 'command-password', weights.context);
    }
  }
}
