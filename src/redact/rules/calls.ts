import { isTypedPassword } from '../assignments/typed-password.js';
import { alternations, hasUpperLowerDigit } from '../entropy.js';
import type { Rule } from '../rule.js';

/**
 * Passwords in calls identified by their name or other arguments: logins, and browser automation.
 */

const nothing = new Uint8Array(256);
const quote = String.raw`\\{0,64}["'\x60]`;
const secret = String.raw`${quote}(?<secret>[^\s"'\x60\\]{6,128})(?:\{enter\})?${quote}`;
const argument = String.raw`(?:${quote}[^"'\x60\\\n]{0,120}${quote}|[A-Za-z_$@][\w.$@:]{0,60})`;
const comma = String.raw`\s{0,2},\s{0,4}`;
const field = '(?:[Pp]ass(?:word|wd|code|phrase)?|PASS(?:WORD)?|[Pp]wd|[Pp]in)';
const typing =
  '(?:fill|type|pressSequentially|press_sequentially|send_keys|sendKeys|setValue|set_value|val|input_text|set|clear_and_type)';

export const callRules: readonly Rule[] = [
  {
    kind: 'login-password',
    anchors: [
      ...['login(', 'Login(', 'signIn(', 'sign_in(', 'signin(', 'SignIn(', 'logIn(', 'log_in('],
      ...[
        'authenticate(',
        'Authenticate(',
        'BasicAuth(',
        'basic_auth(',
        'basicAuth(',
        'asicAuth: [',
      ],
      ...['Credential(', 'Credentials(', 'Authentication(', 'Credentials.basic(', 'DigestAuth('],
      ...['createUser(', 'create_user(', 'addUser(', 'add_user(', 'auth=(', 'auth = (', 'auth: ['],
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`[A-Za-z_]{1,12}(?:\.basic)?(?:\s?=\s?|:\s)?[([]\s{0,4}${argument}${comma}(?:Some\(|secret\(|SecretStr\()?${secret}`,
    ),
    accepts: isTypedPassword,
    source: 'documentation of HTTP, mail and FTP libraries',
    example: 'client.login("deploy", "⟦<password>⟧")',
  },
  {
    kind: 'login-password',
    anchors: [
      ...['connect(', 'Connect(', 'mysqli(', 'PDO(', 'getConnection(', 'get_connection('],
      ...['EmailAndPassword(', 'create_user(', 'create_superuser(', 'createUser(', 'SSH.start('],
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`[A-Za-z_]{1,16}(?:\.start)?\(\s{0,4}${argument}${comma}${argument}${comma}${secret}`,
    ),
    accepts: isTypedPassword,
    source: 'documentation of PHP, JDBC, Python and Firebase clients',
    example: 'new mysqli("localhost", "app", "⟦<password>⟧", "shop")',
  },
  {
    kind: 'api-key',
    anchors: [
      ...['etApiKey(', 'ithApiKey(', 'etAPIKey(', 'ithAPIKey(', 'et_api_key(', 'ith_api_key('],
      ...['ithSecret(', 'etSecret(', 'ithToken(', 'etToken(', 'etAuthToken(', 'etAccessToken('],
      ...['ithAccessToken(', 'ithAuthToken(', 'ithBearerToken(', 'etBearerToken('],
    ],
    lead: 1,
    notAfter: nothing,
    shape: new RegExp(
      String.raw`[SsWw](?:et|ith)_?[A-Za-z_]{5,12}\(\s{0,4}${quote}(?<secret>[\w+/=.-]{16,256})${quote}`,
    ),
    accepts: (secret) => hasUpperLowerDigit(secret) && alternations(secret) >= 3,
    source: 'builders and options of client libraries',
    example: 'option.WithAPIKey("⟦<alnum:32>⟧")',
  },
  {
    kind: 'form-password',
    anchors: [
      '.fill(',
      '.type(',
      '.fillField(',
      'fill_in ',
      'fill_in(',
      '.set_value(',
      'browser_type(',
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`\.?(?:fill|type|fillField|fill_in|set_value)[( ]\s?[^\n]{0,80}?${field}[^\n,]{0,40}${comma}(?:with:\s?|secret\()?${secret}`,
    ),
    accepts: isTypedPassword,
    source: 'documentation of Playwright, Puppeteer, Capybara and CodeceptJS',
    example: 'await page.fill("#password", "⟦<password>⟧")',
  },
  {
    kind: 'form-password',
    anchors: [
      ...['.fill(', '.type(', '.pressSequentially(', '.press_sequentially(', '.send_keys('],
      ...['.sendKeys(', '.setValue(', '.set_value(', '.val(', '.set('],
    ],
    notAfter: nothing,
    shape: new RegExp(String.raw`(?<=${field}[\w \]"'\\\x60/)=-]{0,40})\.${typing}\(\s?${secret}`),
    accepts: isTypedPassword,
    source: 'documentation of Playwright, Cypress, Selenium and WebdriverIO',
    example: 'page.get_by_label("Password").fill("⟦<password>⟧")',
  },
  {
    kind: 'form-password',
    anchors: ['.value'],
    notAfter: nothing,
    shape: new RegExp(String.raw`(?<=${field}[\w \]"'\\)=-]{0,24})\.value\s?=\s?${secret}`),
    accepts: isTypedPassword,
    source: 'DOM standard, HTMLInputElement',
    example: 'document.getElementById("pass").value = "⟦<password>⟧"',
  },
  {
    kind: 'form-password',
    anchors: ['ByLabelText(', 'ByPlaceholderText('],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`By(?:LabelText|PlaceholderText)\([^\n)]{0,24}?[Pp]assword[^\n)]{0,12}\)${comma}${secret}`,
    ),
    accepts: isTypedPassword,
    source: 'Testing Library documentation',
    example: 'await user.type(screen.getByLabelText(/password/i), "⟦<password>⟧")',
  },
  {
    kind: 'form-password',
    anchors: ['<input', '<Input'],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`<[Ii]nput(?=[^<>\n]{0,240}(?:type|name|id)=${quote}(?:pass|pwd|pw))[^<>\n]{0,160}?value=${quote}(?<secret>[^\s"'\x60\\<>]{6,128})${quote}`,
    ),
    accepts: isTypedPassword,
    source: 'HTML standard, the input element',
    example: '<input type="password" name="pw" value="⟦<password>⟧">',
  },
  {
    kind: 'form-password',
    anchors: ['assword textbox', 'assword field', 'assword input', 'assword box'],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`assword (?:textbox|field|input|box)${quote}[^{}\n]{0,80}?${quote}(?:text|value)${quote}\s?:\s?${secret}`,
    ),
    accepts: isTypedPassword,
    source: 'Playwright MCP reference, browser_type',
    example: '{"element":"Password textbox","ref":"e12","text":"⟦<password>⟧"}',
  },
  {
    kind: 'form-password',
    anchors: ['id:pass', 'name:pass', 'name=pass', 'id=pass'],
    notAfter: nothing,
    shape: /(?:id|name)[:=]pass(?:word|wd)?(?: {2,8}|\t|\\{1,64}t)(?<secret>[^\s"'\\]{6,128})/,
    accepts: isTypedPassword,
    source: 'Robot Framework SeleniumLibrary, Input Password',
    example: 'Input Password    id:password    ⟦<password>⟧',
  },
  {
    kind: 'form-password',
    anchors: ['<value>'],
    notAfter: nothing,
    shape:
      /(?<=name=\\{0,64}["'][\w.-]{0,40}(?:[Pp]assword|[Ss]ecret)\\{0,64}["'][^<>\n]{0,60}>\s{0,8})<value>(?<secret>[^\s"'\\<>]{6,128})</,
    accepts: isTypedPassword,
    source: '.NET application settings',
    example: '<setting name="Password" serializeAs="String"><value>⟦<password>⟧</value></setting>',
  },
  {
    kind: 'password',
    anchors: ['etPassword(', 'thPassword(', 'etPasswd(', 'et_password(', 'etPass(', 'ithPass('],
    notAfter: nothing,
    shape: new RegExp(String.raw`(?:et|th)_?[Pp]ass(?:word|wd)?\(\s?${secret}`),
    accepts: isTypedPassword,
    source: 'setters and builders of many libraries',
    example: 'config.setPassword("⟦<password>⟧")',
  },
  {
    kind: 'signing-key',
    anchors: [
      ...['jwt.sign(', 'jwt.verify(', 'jwt.encode(', 'jwt.decode(', 'JWT.encode(', 'JWT.decode('],
      ...['createHmac(', 'createCipheriv(', 'createDecipheriv(', 'SecretKeySpec('],
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`[A-Za-z.]{8,18}\((?:\s{0,4}(?:\{[^{}\n]{0,80}\}|${argument})${comma})?\s{0,4}b?${secret}`,
    ),
    accepts: isTypedPassword,
    source: 'documentation of JSON Web Token libraries and of node:crypto',
    example: 'jwt.verify(token, "⟦<alnum:24>⟧")',
  },
  {
    kind: 'signing-key',
    anchors: ['hmac.new(', 'hmac.digest(', 'Fernet(', 'AES.new(', 'SecretBox(', 'secretbox('],
    notAfter: nothing,
    shape: new RegExp(String.raw`[A-Za-z.]{6,12}\(\s{0,4}b?${secret}`),
    accepts: isTypedPassword,
    source: 'documentation of Python cryptography libraries',
    example: 'hmac.new(b"⟦<alnum:24>⟧", body, sha256)',
  },
  {
    kind: 'login-password',
    anchors: [
      'send "',
      "send '",
      'send -- "',
      'sendline("',
      "sendline('",
      'send \\',
      'sendline(\\',
    ],
    notAfter: nothing,
    shape:
      /(?<=[Pp]?ass(?:word|phrase|code)?[^\n\\]{0,16}(?:\\{0,64}["'])?[^\n\\]{0,16}(?:(?:\n|\\{1,64}n)[ \t]{0,12}[\w.]{0,16})?)send(?:line)?(?: -- |\(| )\\{0,64}["'](?<secret>[^\s"'\\]{6,128})(?:\\{1,64}[rn]){0,2}\\{0,64}["']/,
    accepts: isTypedPassword,
    source: 'expect(1), Pexpect documentation',
    example: 'expect "assword:" { send "⟦<password>⟧\\r" }',
  },
];
