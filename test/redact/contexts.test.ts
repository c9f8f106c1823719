import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { dice, expand } from './examples.js';
import { leaks, serializers } from './leaks.js';

/** Secrets without a shape of their own, by what stands around them; `§` is the secret. */

const redactor = createRedactor();
const generated = (seed: number): string => expand('<alnum:9>!<alnum:5>', dice(seed)).secret;
const token = (seed: number): string => expand('<alnum:40>', dice(seed)).secret;
const typed = ['Harbour2031!', 'qT7rV2mLx9', 'w3st-q4y-88'];

function expectHidden(text: string, secret: string, depths = Object.entries(serializers)): void {
  for (const [name, serialize] of depths) {
    const line = serialize(text);
    const { bytes } = redactor.redact(Buffer.from(line));
    expect(leaks(bytes.toString(), secret), `${name}: ${line}\n=> ${bytes}`).toBe(false);
    if (name !== 'plain') expect(() => JSON.parse(bytes.toString()), `${bytes}`).not.toThrow();
  }
}

const kept = (text: string): void => {
  const line = Buffer.from(JSON.stringify({ text }));
  expect(redactor.redact(line).bytes.toString()).toBe(line.toString());
};

describe('a typed password is redacted', () => {
  it.each([
    'pass = §',
    'pass := "§"',
    'DB_PASSWORD=§',
    'pwd <- "§"',
    'let password: &str = "§";',
    'var password string = "§"',
    '{"password": {"value": "§"}}',
    'password:\n  value: §\n',
    'password: |\n  §\n',
    '<pass>§</pass>',
    '<v:Password v:type="text">§</v:Password>',
    '<setting name="Password" serializeAs="String"><value>§</value></setting>',
    '<input value="§" type="password" name="pw">',
    '<input name="pass" value="§"/>',
    '**Password:** §',
    '<b>Password:</b> §',
    'the password is §',
    'I set the password to §',
    'sign in with § as the password',
    'credentials: deploy / §',
    'creds deploy:§',
  ])('%s', (template) => {
    for (const secret of typed) expectHidden(template.replace('§', secret), secret);
  });

  it.each([
    'client.login("deploy", "§")',
    "ftp.login('deploy', '§')",
    'new NetworkCredential("deploy", "§")',
    'requests.get(url, auth=("deploy", "§"))',
    'new mysqli("db.internal", "deploy", "§", "shop")',
    'DriverManager.getConnection(url, "deploy", "§")',
    'signInWithEmailAndPassword(auth, "deploy@example.org", "§")',
    'config.setPassword("§")',
    'await page.fill("#password", "§")',
    "page.locator('#password').fill('§')",
    'page.get_by_label("Password").fill("§")',
    'driver.find_element(By.ID, "password").send_keys("§")',
    'document.querySelector("#password").value = "§"',
    'fill_in "Password", with: "§"',
    '{"element":"Password textbox","ref":"e7","text":"§"}',
    '{"name":"Password","type":"textbox","ref":"e8","value":"§"}',
    'Input Password    id:password    §',
  ])('in a call: %s', (template) => {
    for (const secret of typed) expectHidden(template.replace('§', secret), secret);
  });

  it.each([
    "INSERT INTO users (name, password) VALUES ('deploy', '§')",
    'insert into "people" ("id", "passwd", "role") values (1, \'x\', 2), (2, \'§\', 3);',
    "CREATE USER deploy IDENTIFIED BY '§'",
    'ALTER USER deploy IDENTIFIED BY §;',
    "ALTER ROLE deploy WITH PASSWORD '§'",
    "SELECT crypt('§', gen_salt('bf'))",
    "PRAGMA key = '§'",
  ])('in a statement: %s', (template) => {
    for (const secret of typed) expectHidden(template.replace('§', secret), secret);
  });

  it.each([
    'enable secret 0 §',
    'username deploy privilege 15 secret 0 §',
    'snmp-server community § RO',
    'crypto isakmp key § address 0.0.0.0',
    'tacacs-server key §',
    'neighbor 10.0.0.1 password §',
    'authentication-key "§";',
    '10.0.0.1 10.0.0.2 : PSK "§"',
    '# client server secret addresses\nbot * § *',
    '"deploy" * "§" *',
    '[smtp.example.org]:587 deploy@example.org:§',
    'requirepass §',
    'user deploy insecure-password §',
    'a1 LOGIN "deploy" "§"',
    '/msg NickServ IDENTIFY §',
    'auth-user-pass\ndeploy\nS',
    'deploy Cleartext-Password := "§"',
  ])('in a configuration: %s', (template) => {
    for (const secret of typed) expectHidden(`!\n${template.replace('§', secret)}\n!\n`, secret);
  });

  it.each([
    'Passordet: §',
    'adgangskoden er §',
    'Lösenordet: §',
    'Das Passwort lautet §',
    'mot de passe : §',
    'la contraseña es §',
    'a senha é §',
    'hasło to §',
    'пароль: §',
    '密码：§',
    'パスワードは §',
    '비밀번호: §',
    'mật khẩu là §',
    'ο κωδικός είναι §',
  ])('in another language: %s', (template) => {
    for (const secret of typed) expectHidden(template.replace('§', secret), secret);
  });
});

describe('a generated secret is redacted', () => {
  it.each([
    'mysqldump -u root -p§ shop',
    'redis-cli -h cache -a § ping',
    'sshpass -p § ssh host',
    'curl -u "deploy:§" https://example.org',
    'ldapsearch -D cn=admin -w § -b dc=example',
    'openssl enc -aes-256-cbc -pass pass:§ -in a',
    '7z x -p§ backup.7z',
    'ipmitool -H bmc -U root -P § sol activate',
    'docker login -u ci -p § registry.example.org',
    'echo § | docker login --password-stdin',
    'echo "deploy:§" | chpasswd',
    'net use z: \\\\files\\share § /user:deploy',
    '["mysql", "-u", "root", "-p§"]',
    'useradd -m -p § deploy',
  ])('to a program: %s', (template) => {
    const secret = generated(template.length);
    expectHidden(template.replace('§', secret), secret);
  });

  it.each([
    'name,password,role\ndeploy,§,admin\nother,,user',
    'Access key ID,Secret access key\nAKIA0000,§',
    '| user | password |\n|---|---|\n| deploy | § |',
    ' name   | token \n--------+-------\n deploy | §\n',
    'user\tpassword\ndeploy\tS\n',
  ])('in a table: %j', (template) => {
    const secret = token(template.length);
    expectHidden(template.replace('§', secret), secret);
  });

  it.each([
    'Cookie: theme=dark; sid=§',
    'Set-Cookie: session=§; Path=/; HttpOnly',
    "curl -b 'theme=dark; session=§' https://example.org",
    '.example.org\tTRUE\t/\tTRUE\t1893456000\tsession\tS',
  ])('as a cookie: %j', (template) => {
    const secret = token(template.length);
    expectHidden(template.replace('§', secret), secret);
  });

  it.each([
    'https://maps.example.org/v1?q=a&key=§',
    'http://localhost:8976/callback?code=§&state=a',
    'https://shop.example.org/password/reset/§',
    'postgres://deploy:§@db.internal:5432/shop',
    '*:*:*:deploy:§',
    'jdbc:oracle:thin:deploy/§@db:1521:shop',
  ])('in an address: %s', (template) => {
    const secret = token(template.length);
    expectHidden(template.replace('§', secret), secret);
  });

  it('as a member of a JSON Web Key, in either order', () => {
    const secret = expand('<url:43>', dice(31)).secret;
    expectHidden(`{"kty":"EC","crv":"P-256","x":"a","d":"${secret}"}`, secret);
    expectHidden(`{"d": "${secret}", "kty": "OKP"}`, secret);
    kept('{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}');
  });

  it('in lists, and where a value is replaced', () => {
    const [one, two] = [generated(41), generated(42)];
    for (const text of [
      JSON.stringify({ passwords: [one, two] }),
      `passwords:\n  - ${one}\n  - ${two}\n`,
      `~ password = "${one}" -> "${two}"`,
    ]) {
      expectHidden(text, one);
      expectHidden(text, two);
    }
  });
});

describe('an encoded secret is redacted whole', () => {
  const secret = token(51);
  const file = `HOST=db\nDB_PASSWORD=${secret}\n`;
  it.each([
    ['base64', Buffer.from(file).toString('base64')],
    ['base64 for addresses', Buffer.from(file).toString('base64url')],
    ['base64 in base64', Buffer.from(Buffer.from(file).toString('base64')).toString('base64')],
    ['hex', Buffer.from(file).toString('hex')],
    ['base64 of JSON', Buffer.from(JSON.stringify({ api_key: secret })).toString('base64')],
  ])('%s', (name, encoded) => {
    const { bytes, counts } = redactor.redact(Buffer.from(JSON.stringify({ data: encoded })));
    if (name === 'base64 in base64' && counts === undefined) return;
    expect(bytes.toString()).toBe('{"data":"[REDACTED:encoded-secret]"}');
  });

  it.each([
    ['%XX', `password%3D${generated(52).replace('!', '%21')}`],
    ['entities', `password=&quot;${token(53)}&quot;`],
    [
      '\\xNN',
      `API_TOKEN=${[...token(54)].map((char) => `\\x${char.charCodeAt(0).toString(16)}`).join('')}`,
    ],
  ])('%s', (_, text) => {
    expect(redactor.redact(Buffer.from(JSON.stringify({ text }))).counts).toBeDefined();
  });

  it('encoded text without a secret stays', () => {
    kept(Buffer.from('HOST=db\nDB_PASSWORD=\nPORT=5432 and a few more words\n').toString('base64'));
  });
});

describe('lookalikes of these stay', () => {
  it.each([
    '    --- PASS: TestServer/password_4f2a9c1b7d (0.00s)',
    '--- PASS: TestTokens/sub_test#01 (1.20s)',
    '{"sessionKey":"agent:main:cron:0b0b6fd5-2a4e-4c58-9d52-6f0a0f4be0a1:run:1"}',
    'curl -u user:pass https://example.org',
    'https://example.org/login?redir_token=abc',
    'client.login(username, password)',
    'client.login("user", "password")',
    "INSERT INTO users (name, password) VALUES ('bot', ?)",
    'await page.fill("#password", process.env.E2E_PASSWORD)',
    'await page.fill("#search", "Harbour2031!")',
    'expect(screen.getByLabelText("Password")).toBeVisible()',
    'the password is required and has at least 12 characters',
    'enable password encryption',
    'crypto isakmp policy 10',
    'a secret of type Opaque2 is created',
    'PASS src/login/login.test.ts',
    'use sha256 as the password hash',
    'credentials: see docs/setup.md',
  ])('%s', kept);
});

describe('a login written down without words for it', () => {
  it.each([
    'ops-admin / §',
    'sign in at ann@shop.example / §',
    'C: USER ann\nC: PASS §\n',
    'AUTH cache §\n',
    'logged in as ann with §\n',
    "INSERT INTO shop.users VALUES (7, 'ann', '§', NULL), (8, 'bob', '§', 1)",
    'COPY public.staff (id, name, password) FROM stdin;\n1\tann\t§\n2\tbob\t§\n\\.\n',
  ])('%s', (template) => {
    const secret = generated(71);
    expectHidden(template.replaceAll('§', secret), secret);
  });

  it('in tables of tokens, too, but no hash and no id', () => {
    const secret = token(72);
    expectHidden(`insert into api_keys values (3, '${secret}', true)`, secret);
    kept(`INSERT INTO users VALUES (1, '${'0a9f'.repeat(16)}', 'ann smith', 'a-b_c')`);
    kept("INSERT INTO tokens VALUES ('1b4e28ba-2fa1-41d2-883f-0016d3cca427')");
  });

  it.each([
    'PASS src/app/login2.test.ts\nPASS ./x3\n',
    'ratio a / b+c1D and admin / settings',
    'root:x:0:0:root:/root:/bin/bash',
    'https://user:pass@host.example/simple?x=1#Y',
    'chown root:root /etc/x && id admin:v1.2.3',
  ])('but not %s', (text) => kept(text));
});

describe('short numbers', () => {
  it.each([
    ['PIN: §', '730482'],
    ['your SIM PIN is §.', '5093'],
    ['PUK 1: §', '30518274'],
    ['OTP=§\n', '904417'],
    ['{"otp": "§"}', '904417'],
    ['Your verification code is §', '782344'],
    ['Door code: §', '6170'],
    ['CVV: §', '417'],
  ])('%s', (template, code) => {
    const { bytes } = redactor.redact(
      Buffer.from(JSON.stringify({ text: template.replace('§', code) })),
    );
    expect(bytes.toString()).not.toContain(code);
    JSON.parse(bytes.toString());
  });

  it.each([
    'exit code: 4041',
    'status code is 5030',
    'pin = 13',
    'PIN: 123456',
    'pin: 2026',
    'spinning: 4711, opinion = 4711',
    'cvv_check: 12345',
  ])('but not %s', (text) => kept(text));

  it('leave a number of JSON a number', () => {
    const line = Buffer.from('{"otp": 904417}');
    expect(redactor.redact(line).bytes.toString()).toBe(line.toString());
  });
});

describe('what is encoded in other ways', () => {
  const settings = `DB_PASSWORD=${generated(81)}\nAPI_TOKEN=${token(82)}\n`;
  const base64 = (text: string, encoding: BufferEncoding = 'utf8'): string =>
    Buffer.from(text, encoding).toString('base64');
  const listed = (separator: string, base = 16): string =>
    [...Buffer.from(settings)]
      .map((byte) => byte.toString(base).padStart(base === 16 ? 2 : 1, '0'))
      .join(separator);

  it.each([
    ['base64 twice', base64(base64(settings))],
    ['base64 in hex', Buffer.from(base64(settings)).toString('hex')],
    ['hex in base64', base64(Buffer.from(settings).toString('hex'))],
    ['UTF-16 in base64', base64(settings, 'utf16le')],
    ['bytes with blanks', listed(' ')],
    ['bytes with colons', listed(':')],
    ['bytes as in C', `0x${listed(', 0x')}`],
    ['decimal bytes', listed(', ', 10)],
  ])('%s', (_, encoded) => expectHidden(`it is ${encoded} there`, encoded));

  it('octal escapes', () => {
    const secret = generated(83);
    const octal = (text: string): string =>
      [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
    expectHidden(`printf '${octal(`DB_PASSWORD=${secret}`)}'`, octal(secret));
    kept("s/(a)(b)/\\101\\2/ and '\\033[0m' and \\012\\012");
  });

  it('not lists of bytes without a secret', () => {
    kept([...Buffer.from('the password of nobody at all')].join(' '));
    kept(`fingerprint ${'4a:5b:6c:7d:'.repeat(8)}00`);
  });
});

describe('tokens of vendors without a row', () => {
  it('are told by their form', () => {
    const secret = `acmecorp_live_${token(91)}`;
    expectHidden(`use ${secret} now`, secret);
    expectHidden(`${secret}`, secret);
    kept('render_production_configuration_and_settings_for_users');
    kept(`cache_prod_${'0a9f3c7e'.repeat(5)}`);
    kept('my_api_getUserAccountInformationFromServer2');
  });
});
