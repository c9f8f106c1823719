import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);

/** Secrets that their place in a command or a file gives away. */
export const commandRules: readonly Rule[] = [
  {
    kind: 'curl-user-password',
    anchors: ['-u ', '-u"', "-u'", '-u\\', '--user ', '--user=', '--proxy-user '],
    shape:
      /(?<=(?:curl|http|wget)(?:[^\n\\|;`$]|\\{1,64}[\x22']){0,250}\s)(?:-u ?|--(?:proxy-)?user[ =])\\{0,64}["']?[^\s"'\\:$<{]{1,100}:(?<secret>[^\s"'\\]{4,200})/,
    accepts: isNoNumber,
    source: 'gitleaks curl-auth-user',
    example: 'curl -u deploy:⟦<password>⟧ https://example.org',
  },
  {
    kind: 'command-password',
    anchors: ['sshpass'],
    shape: /sshpass\s{1,4}-p ?\\{0,64}["']?(?<secret>[^\s"'\\]{4,100})/,
    source: 'sshpass manual',
    example: 'sshpass -p ⟦<password>⟧ ssh host',
  },
  {
    kind: 'command-password',
    anchors: ['mysql'],
    shape:
      /mysql(?:dump|admin|import)?\s[^\n"\\|;]{0,200}?(?<=\s)-p\\{0,64}["']?(?<secret>[^\s"'\\]{5,100})/,
    source: 'MySQL manual',
    example: 'mysql -u root -p⟦<password>⟧ app',
  },
  {
    kind: 'command-password',
    anchors: ['login '],
    shape:
      /(?<=(?:docker|podman|helm registry|oras|az|buildah) )login\s[^\n"\\|;]{0,200}?(?:-p|--password)[ =]\\{0,64}["']?(?<secret>[^\s"'\\]{5,200})/,
    source: 'Docker command line reference',
    example: 'docker login -u ci -p ⟦<password>⟧',
  },
  {
    kind: 'command-password',
    anchors: ['redis-cli'],
    shape: /redis-cli\s[^\n"\\|;]{0,200}?(?<=\s)-a\s\\{0,64}["']?(?<secret>[^\s"'\\]{5,200})/,
    source: 'Redis command line reference',
    example: 'redis-cli -h cache -a ⟦<password>⟧ ping',
  },
  {
    kind: 'sql-password',
    anchors: ['IDENTIFIED BY', 'identified by', 'WITH PASSWORD', 'with password', "PASSWORD '"],
    shape:
      /(?:identified by|IDENTIFIED BY|(?:WITH |with )?PASSWORD|with password)\s{1,4}\\{0,64}["'](?<secret>[^\s"'\\]{4,200})/,
    source: 'MySQL and PostgreSQL manuals',
    example: "CREATE USER app WITH PASSWORD '⟦<password>⟧'",
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

/** `docker run -u 1000:1000` names a user and a group. */
function isNoNumber(secret: string): boolean {
  return !/^\d{1,6}$/.test(secret);
}

/** In prose a word follows; what ends a sentence is one too. */
function isNoWord(secret: string): boolean {
  return !/^[A-Za-z][a-z]*[.,:;!?]?$/.test(secret) || secret.length >= 16;
}

/** A certificate or a public key begins the same way and is no secret. */
function wrapsPrivateKey(secret: string): boolean {
  return Buffer.from(secret.slice(0, 80), 'base64').toString('latin1').includes('PRIVATE KEY');
}
