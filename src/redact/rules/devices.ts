import { isTypedPassword } from '../assignments/typed-password.js';
import type { Rule } from '../rule.js';

/** Secrets in configurations of network devices, mail servers and daemons: a keyword in its place in a line, then the secret. */

const nothing = new Uint8Array(256);
/** The start of a line, written as a byte or an escape, after whatever a tool puts before it. */
const lineStart = String.raw`(?:^|[\n"'\x60]|\\{1,64}[nt]|[#>$] )[ \t]{0,24}`;
const words = String.raw`(?:[\w./:*-]{1,40}[ \t]{1,4}){0,9}`;
const secret = String.raw`(?<secret>[^\s"'\x60\\<>|;,(){}[\]]{6,128})`;
const lineEnd = String.raw`[ \t]{0,8};?(?:\r|\n|\\{1,64}[nr]|\\{0,64}["'\x60]|$)`;
const mode =
  '(?:[0578] |ascii |md5 |sha |hmac-[a-z0-9-]{3,10} |clear-?text |plain ?text |ENC |text )?';

export const deviceRules: readonly Rule[] = [
  {
    kind: 'wifi-password',
    anchors: ['SSID', 'ssid'],
    shape:
      /(?:SSID|ssid)(?:\\{0,64}["'])?\s?[:=]?\s?(?:\\{0,64}["'\x60])?[\w .-]{1,32}?(?:\\{0,64}["'\x60])?\s?[,;|/)-]?\s{0,3}(?:and |with |\()?(?:the )?(?:[Kk]ey|PSK|psk|[Pp]ass(?:wor[dt]|phrase|code)?|Kennwort|mdp|pwd?)(?:\\{0,64}["'])?(?: is|\s?[:=])?\s{1,3}(?:\\{0,64}["'\x60])?(?<secret>[^\s"'\x60\\,;=<>]{8,63})/,
    accepts: (text) => isTypedPassword(text) && !/WPA|[Mm]gmt/.test(text),
    source: 'notes about wireless networks',
    example: 'SSID Office, key ⟦<password>⟧',
  },
  {
    kind: 'config-password',
    anchors: [
      ...[
        'password ',
        'passwd ',
        'secret ',
        'pass ',
        'passphrase ',
        'bindpw ',
        'rootpw ',
        'vncpasswd ',
      ],
      ...['requirepass ', 'masterauth ', 'masterpass ', 'psksecret ', 'key-string ', 'shared-key '],
      ...[
        'authentication-key ',
        'wpa-psk ',
        'community ',
        'auth_pass ',
        'rootPW: ',
        'vnc_password ',
      ],
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?<=${lineStart}${words}(?:[\w.]{0,24}[._-])?)(?:password|passwd|secret|pass|passphrase|bindpw|rootpw|vncpasswd|requirepass|masterauth|masterpass|psksecret|key-string|shared-key|authentication-key|wpa-psk|community|auth_pass|rootPW:|vnc_password) ${mode}${secret}(?: (?:RO|RW|ro|rw|priv|role|group|encrypted|level)\b|${lineEnd})`,
    ),
    accepts: isTypedPassword,
    source: 'Cisco IOS, Juniper, FortiOS, Redis, OpenLDAP and Fetchmail references',
    example: '\nusername admin privilege 15 secret 0 ⟦<password>⟧\n',
  },
  {
    kind: 'config-password',
    anchors: [
      ...['isakmp key ', 'tacacs', 'radius-server', 'radius host', 'pre-shared-key', 'ikev2 '],
      ...['message-digest-key ', 'ntp authentication', 'standby ', 'vrrp ', 'key chain '],
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:isakmp key|(?:tacacs|radius)(?:-server)?[\w .:-]{0,80}? key|(?:ikev2 [\w-]{0,40} )?pre-shared-key(?: address [\w.:/]{2,40} key)?|(?:message-digest-key|ntp authentication-key) \d{1,5} md5|(?:standby|vrrp)[\w ]{0,20} authentication(?: text)?) ${mode}${secret}(?: address| 0| vrf|${lineEnd})`,
    ),
    accepts: isTypedPassword,
    source: 'Cisco IOS command references',
    example: '\ncrypto isakmp key ⟦<password>⟧ address 0.0.0.0\n',
  },
  {
    kind: 'config-password',
    anchors: ['auth sha ', 'auth md5 ', 'priv aes ', 'priv des '],
    shape: new RegExp(String.raw`(?:auth (?:sha|md5)|priv (?:aes|des)) (?:\d{2,3} )?${secret}`),
    accepts: isTypedPassword,
    source: 'Cisco IOS command references, snmp-server user',
    example: 'snmp-server user app admins v3 auth sha ⟦<password>⟧ priv aes 128 x',
  },
  {
    kind: 'config-password',
    anchors: [
      ...[
        'authentication-key ',
        'encrypted-password ',
        'simple-password ',
        'ascii-text ',
        'secret ',
      ],
      ...[
        'plain-text-password-value ',
        'PSK ',
        'EAP ',
        'XAUTH ',
        '.pem ',
        '"passwd" ',
        'shared-key ',
      ],
    ],
    notAfter: nothing,
    shape:
      /(?:authentication-key|(?:encrypted|simple)-password|ascii-text|plain-text-password-value|(?<=: )(?:PSK|EAP|XAUTH)|(?<=: RSA [\w.-]{1,40})\.pem|"passwd"|shared-key|(?<=[{;\n"'nt] ?[ \t]{0,12})secret) \\{0,64}"(?<secret>[^\s"'\\]{6,128})\\{0,64}"/,
    accepts: isTypedPassword,
    source: 'Junos, strongSwan and BIND references',
    example: '\n10.0.0.1 10.0.0.2 : PSK "⟦<password>⟧"\n',
  },
  {
    kind: 'config-password',
    anchors: ['chap-secrets', 'pap-secrets', '# client', '# Secrets for auth'],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:[cp]{1,2}hap-secrets|pap-secrets|# client|# Secrets for auth)[^*]{0,160}?(?:\n|\\{1,64}n)[\w"\\@.-]{1,60}(?:[ \t]|\\{1,64}t){1,8}(?:\*|[\w.-]{1,40})(?:[ \t]|\\{1,64}t){1,8}(?:\\{0,64}")?${secret}`,
    ),
    accepts: isTypedPassword,
    source: 'pppd(8)',
    example: '\n# client server secret addresses\nbot * ⟦<password>⟧ *\n',
  },
  {
    kind: 'config-password',
    anchors: ['" * ', '" *\t', 'pptpd ', 'l2tpd ', 'pptpd\t', 'l2tpd\t'],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:\\{0,64}"[ \t]{1,4}\*|(?:pptp|l2tp)d)[ \t]{1,8}(?:\\{0,64}")?${secret}(?:\\{0,64}")?[ \t]{1,8}[\d*]`,
    ),
    accepts: isTypedPassword,
    source: 'pppd(8)',
    example: '"bot" * "⟦<password>⟧" *',
  },
  {
    kind: 'config-password',
    anchors: [':587', ':465', ':25 ', ':submission', 'smtp.', 'mail.', 'relay.'],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:(?:smtp|mail|relay)\.[\w.-]{1,60}\]?(?::\w{2,10})?|:(?:587|465|25|submission))(?:[ \t]|\\{1,64}t){1,16}[\w.@+-]{1,80}:${secret}`,
    ),
    accepts: isTypedPassword,
    source: 'Postfix SASL howto, sasl_passwd',
    example: '\n[smtp.example.org]:587 deploy@example.org:⟦<password>⟧\n',
  },
  {
    kind: 'config-password',
    anchors: [
      'PASS ',
      'AUTH ',
      'LOGIN ',
      'IDENTIFY ',
      'identify ',
      'SETUSER ',
      'stats auth ',
      'rpcauth=',
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:(?<=(?:USER \S{1,40}|331 [^\n\\]{1,60})(?:\r?\n|(?:\\{1,64}r)?\\{1,64}n)(?:[A-Z<>]: ?|> ?)?)PASS |(?<=HELLO 3 |redis[\w.:>-]{0,24} )AUTH (?:[\w-]{1,40} )?|LOGIN \\{0,64}"?[\w.@-]{1,60}\\{0,64}"? \\{0,64}"?|(?:IDENTIFY|identify) (?:[\w-]{1,30} )?|(?:SETUSER|user) [\w-]{1,40} on [^\n>]{0,40}>|stats auth [\w-]{1,40}:|rpcauth=[\w-]{1,40}:)${secret}`,
    ),
    accepts: isTypedPassword,
    source: 'RFC 959, RFC 3501, Redis ACL and HAProxy references, NickServ',
    example: '\na1 LOGIN "app" "⟦<password>⟧"\n',
  },
  {
    kind: 'config-password',
    anchors: ['auth-user-pass'],
    shape: new RegExp(
      String.raw`auth-user-pass(?:[^\n\\]{0,40})(?:\n|\\{1,64}n)[\w.@-]{1,60}(?:\n|\\{1,64}n)${secret}`,
    ),
    accepts: isTypedPassword,
    source: 'OpenVPN manual',
    example: '\nauth-user-pass\nbot\n⟦<password>⟧\n',
  },
  {
    kind: 'config-password',
    anchors: ['rocommunity', 'rwcommunity', 'com2sec', 'trapcommunity', 'authcommunity'],
    shape: new RegExp(
      String.raw`(?:r[ow]community6?|trapcommunity|authcommunity \S{1,20}|com2sec6?(?: -Cn \S{1,32})? [\w.-]{1,40} \S{1,60})[ \t]{1,12}(?:\\{0,64}["'])?${secret}`,
    ),
    accepts: isTypedPassword,
    source: 'snmpd.conf(5)',
    example: '\nrocommunity ⟦<password>⟧ 10.0.0.0/8\n',
  },
  {
    kind: 'config-password',
    anchors: ['createUser '],
    shape:
      /createUser [^\n\\]{1,60}(?:SHA|MD5)(?:-\d{3})? (?:\\{0,64}["'])?(?<secret>[^\s"'\\]{8,128}(?:\\{0,64}["'])?(?: (?:AES|DES)(?:-?\d{3})? (?:\\{0,64}["'])?[^\s"'\\]{8,128})?)/,
    source: 'snmpd.conf(5)',
    example: '\ncreateUser app SHA "⟦<password>⟧" AES x\n',
  },
  {
    kind: 'key',
    anchors: ['encryption:'],
    notAfter: nothing,
    shape:
      /encryption:(?:\s|\\{1,64}n){1,40}key:\s{1,4}(?:\\{0,64}["'])?(?<secret>[A-Za-z0-9+/]{43}=)/,
    source: 'ESPHome documentation, native API',
    example: 'api:\n  encryption:\n    key: "⟦<b64:43>=⟧"',
  },
];
