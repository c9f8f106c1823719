import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { dice, expand } from './examples.js';
import { leaks, serializers } from './leaks.js';

const redactor = createRedactor();

const names = {
  password: [
    'password',
    'DB_PASSWORD',
    'dbPassword',
    'spring.datasource.password',
    'SMTP_PASS',
    'passphrase',
  ],
  secret: ['client_secret', 'clientSecret', 'JWT_SECRET', 'signing-secret'],
  token: ['auth_token', 'accessToken', 'X-Auth-Token', 'PRIVATE-TOKEN', 'refresh_token'],
  key: ['api_key', 'apiKey', 'X-API-Key', 'SECRET_KEY_BASE', 'ENCRYPTION_KEY', 'storageAccountKey'],
};

const values = {
  password: [
    '<alnum:8>!<alnum:4>',
    '<alnum:6>@&#<alnum:4>',
    '<alnum:16>',
    '<alnum:5>(<alnum:4>)<alnum:5>',
  ],
  other: [
    '<alnum:32>',
    '<hex:40>',
    '<b64:43>=',
    '<url:43>',
    '<lowalnum:36>',
    '<alnum:20>.<alnum:24>',
  ],
};

const forms: Readonly<Record<string, (name: string, value: string) => string>> = {
  environment: (name, value) => `A=1\n${name}=${value}\nB=2`,
  'quoted environment': (name, value) => `export ${name}="${value}"`,
  'single quotes': (name, value) => `${name}='${value}'; run`,
  yaml: (name, value) => `a: 1\n  ${name}: ${value}\nb: 2`,
  toml: (name, value) => `[x]\n${name} = "${value}"\n`,
  ini: (name, value) => `[x]\n${name} = ${value}\n`,
  json: (name, value) => JSON.stringify({ [name]: value, after: 1 }, null, 2),
  'python dictionary': (name, value) => `{'${name}': '${value}'}`,
  'ruby hash': (name, value) => `{"${name}" => "${value}"}`,
  subscript: (name, value) => `os.environ["${name}"] = "${value}"`,
  arguments: (name, value) => `headers.set("${name}", "${value}")`,
  header: (name, value) => `curl -H '${name}: ${value}' https://example.org`,
  flag: (name, value) => `run --${name.toLowerCase().replace(/[_.]/g, '-')} ${value} now`,
  'flag with an equals sign': (name, value) => `run --${name.replace(/[_.]/g, '-')}=${value} now`,
  element: (name, value) => `<${name}>${value}</${name}>`,
  attribute: (name, value) => `<add key="${name}" value="${value}"/>`,
  'connection string': (name, value) => `Server=x;User=sa;${name}=${value};Encrypt=True`,
  'name and value in json': (name, value) => JSON.stringify([{ name, value }]),
  'name and value in yaml': (name, value) => `env:\n  - name: ${name}\n    value: ${value}\n`,
  'numbered lines': (name, value) => `     1\u2192A=1\n     2\u2192${name}=${value}\n     3\u2192`,
  colours: (name, value) => `\u001b[36m${name}\u001b[0m=\u001b[32m${value}\u001b[0m`,
  markdown: (name, value) => `**${name}:** ${value}`,
  table: (name, value) => `| ${name} | \`${value}\` |`,
  sentence: (name, value) => `The ${name} is ${value} for now`,
  'form body': (name, value) => `a=1&${name}=${encodeURIComponent(value)}&b=2`,
};

describe.each(Object.entries(names))(
  'the value of a secret-looking name: %s',
  (secretName, list) => {
    const templates = secretName === 'password' ? values.password : values.other;
    const cases = Object.entries(forms).map(([form, write], index) => ({ form, write, index }));

    it.each(cases)('as $form', ({ form, write, index }) => {
      const random = dice(index + secretName.length * 100);
      for (const name of list) {
        for (const template of templates) {
          const { secret } = expand(template, random);
          const wanted = form === 'form body' ? encodeURIComponent(secret) : secret;
          for (const [depth, serialize] of Object.entries(serializers)) {
            const line = serialize(write(name, secret));
            const { bytes } = redactor.redact(Buffer.from(line));
            expect(
              leaks(bytes.toString(), wanted),
              `${name} as ${depth}: ${line}\n=> ${bytes}`,
            ).toBe(false);
            if (depth !== 'plain')
              expect(() => JSON.parse(bytes.toString()), `${bytes}`).not.toThrow();
          }
        }
      }
    });
  },
);

describe('only strings are replaced', () => {
  it.each([
    '{"password":12345678,"token":1234567890123456,"secret":null,"api_key":true}',
    '{"tokens":{"token":[1,2,3],"password":{"min":12}}}',
    '{"arguments":"{\\"password\\": 83920174, \\"token\\": 1234567890123456789}"}',
  ])('%s', (line) => {
    expect(redactor.redact(Buffer.from(line)).counts).toBeUndefined();
  });

  it('a string closed after escaped quotes is replaced whole', () => {
    const { secret } = expand('<alnum:9>"<alnum:9>', dice(3));
    for (const depth of [1, 2, 3]) {
      let line = JSON.stringify({ password: secret, next: 'kept' });
      for (let level = 1; level < depth; level += 1) line = JSON.stringify({ output: line });
      const { bytes } = redactor.redact(Buffer.from(line));
      expect(leaks(bytes.toString(), secret)).toBe(false);
      let value: unknown = bytes.toString();
      for (let level = 1; level < depth; level += 1) {
        value = (JSON.parse(String(value)) as { output: string }).output;
      }
      expect(JSON.parse(String(value))).toEqual({ password: '[REDACTED:password]', next: 'kept' });
    }
  });
});

describe('values that are not secret stay', () => {
  it.each([
    'const password = hashlib.sha256(input).hexdigest()',
    'token: CancellationToken2 = default',
    'this.apiKey = options.apiKey ?? defaultApiKey;',
    'password = certs[0][2],',
    'let secret = matchResult?.secret2 ?? undefined;',
    'PASSWORD=$DB_PASSWORD_V2',
    'password: $' + '{{ secrets.DB_PASSWORD_2 }}',
    'apiKey: process.env.API_KEY_V2',
    'api_key = os.environ["OPENAI_API_KEY_2"]',
    'password: {{ vault_db_password_1 }}',
    'api_key: your-api-key-here-1234',
    'OPENAI_API_KEY=sk-your-key-here-000000000000',
    'password=changeme123',
    'token=xxxxxxxxxxxxxxxxxxxxxxxx',
    'secret: ************************',
    'SECRET_FILE=/run/secrets/db_password_1',
    'private_key_path: /etc/ssl/private/server1.key',
    'next_page_token: "CAUQAA1234567890abcdef12"',
    '"max_tokens": "1234567890123456a"',
    'csrf_token="a8f5f167f44f4964e6c998dee827110c"',
    'cache_key: "d41d8cd98f00b204e9800998ecf8427e"',
    'public_key: "d41d8cd98f00b204e9800998ecf8427e"',
    'idempotency_key=0f8fad5b1234567890abcdef12345678',
    'token: 123e4567-e89b-42d3-a456-426614174000',
    'password: op://vault/item/password1',
    'secret: arn:aws:secretsmanager:us-east-1:123456789012:secret:db-1',
    "'password' => 'required|string|min:8'",
    'token_count=1234567890123456',
    'secretName: app-db-credentials-v2',
    'gcloud secrets versions access latest --secret=stripe-api-key',
    'uses: actions/cache@v3 with key: build-cache-2024-linux',
    'if (token === 119 && kind === 265) return',
  ])('%s', (text) => {
    const line = Buffer.from(JSON.stringify({ output: text }));
    expect(redactor.redact(line).bytes.toString()).toBe(line.toString());
  });
});

describe('headers and addresses', () => {
  const secret = (template: string, seed = 1): string => expand(template, dice(seed)).secret;

  it.each([
    ['bearer-token', (value: string) => `Authorization: Bearer ${value}`],
    ['bearer-token', (value: string) => `"authorization":"bearer ${value}"`],
    ['bearer-token', (value: string) => `-H 'Authorization: Bearer ${value}'`],
    ['bearer-token', (value: string) => `headers: { Authorization: \`Bearer ${value}\` }`],
    ['authorization', (value: string) => `Authorization: token ${value}`],
    ['authorization', (value: string) => `Authorization: ${value}`],
    ['authorization', (value: string) => `Proxy-Authorization: SSWS ${value}`],
  ])('%s', (kind, write) => {
    const value = secret('<alnum:40>');
    const { bytes, counts } = redactor.redact(Buffer.from(write(value)));
    expect(bytes.toString()).toBe(write(`[REDACTED:${kind}]`));
    expect(counts).toEqual(new Map([[kind, 1]]));
  });

  it('Basic credentials are recognised by their decoded text', () => {
    const value = secret('<basic>');
    const line = `Authorization: Basic ${value}\n`;
    expect(redactor.redact(Buffer.from(line)).bytes.toString()).toBe(
      'Authorization: Basic [REDACTED:basic-auth]\n',
    );
    const prose = Buffer.from('Basic information about Basic authentication');
    expect(redactor.redact(prose).bytes).toBe(prose);
  });

  it.each([
    ['postgres://app:', '@db.internal:5432/app'],
    ['redis://:', '@cache:6379/0'],
    ['mongodb+srv://admin:', '@cluster0.example.net/?retryWrites=true'],
    ['https://x-access-token:', '@github.com/acme/app.git'],
  ])('only the password goes from %s…%s', (before, after) => {
    const value = secret('<password>', 4);
    const { bytes } = redactor.redact(Buffer.from(`see ${before}${value}${after} now`));
    expect(bytes.toString()).toBe(`see ${before}[REDACTED:url-password]${after} now`);
  });

  it.each([
    'http://localhost:8080/@scope/package',
    'https://user:password@example.org/',
    'postgres://postgres:postgres@localhost/db',
    'postgres://$' + '{USER}:$' + '{PASSWORD}@host/db',
    'mysql://<user>:<password>@host/db',
    'https://{user}:{token}@host/',
    'amqp://USER:PASSWORD@host',
    'ftp://user:***@host',
    'https://o380767.ingest.sentry.io/2904474',
    'git@github.com:acme/app.git',
    'mailto://someone@example.org',
  ])('%s stays', (text) => {
    const line = Buffer.from(JSON.stringify({ text }));
    expect(redactor.redact(line).bytes).toBe(line);
  });

  it('every value of a Kubernetes Secret is redacted, and none of a ConfigMap beside it', () => {
    const [one, two] = [secret('<b64:20>', 5), secret('<b64:24>', 6)];
    const yaml =
      `items:\n- apiVersion: v1\n  data:\n    address: internal.example.org\n  kind: ConfigMap\n` +
      `- apiVersion: v1\n  data:\n    first: ${one}\n    empty: ""\n    second: "${two}"\n  kind: Secret\n  type: Opaque\n`;
    for (const serialize of Object.values(serializers)) {
      const { bytes, counts } = redactor.redact(Buffer.from(serialize(yaml)));
      expect(leaks(bytes.toString(), one) || leaks(bytes.toString(), two), `${bytes}`).toBe(false);
      expect(counts).toEqual(new Map([['kubernetes-secret', 2]]));
      expect(bytes.toString()).toContain('internal.example.org');
    }
  });
});
