import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { dice, expand } from './examples.js';

const redactor = createRedactor();
const hex = (length: number): string => expand(`<hex:${length}>`, dice(length)).secret;

describe('what must survive byte for byte', () => {
  it.each([
    [
      'encrypted fields',
      (data: Buffer) => ({ type: 'reasoning', encrypted_content: data.toString('base64url') }),
    ],
    [
      'thinking signatures',
      (data: Buffer) => ({ type: 'thinking', thinking: '', signature: data.toString('base64') }),
    ],
    ['images', (data: Buffer) => ({ source: { type: 'base64', data: data.toString('base64') } })],
    [
      'images in addresses',
      (data: Buffer) => ({ image_url: `data:image/png;base64,${data.toString('base64')}` }),
    ],
  ])('%s', (_, wrap) => {
    for (let round = 0; round < 40; round += 1) {
      const line = Buffer.from(`${JSON.stringify(wrap(randomBytes(24_000)))}\n`);
      expect(redactor.redact(line).bytes).toBe(line);
    }
  });

  it('a token shape that occurs by chance in a long base64 run', () => {
    const noise = randomBytes(600).toString('base64').replace(/=/g, '');
    const key = expand('AKIA<base32:16>', dice(3)).secret;
    const inside = Buffer.from(JSON.stringify({ data: `${noise}/${key}/${noise}` }));
    expect(redactor.redact(inside).bytes).toBe(inside);
    const alone = Buffer.from(JSON.stringify({ data: `/${key}/` }));
    expect(redactor.redact(alone).counts?.get('aws-access-key')).toBe(1);
  });

  it('a field that only claims to be opaque cannot hide a secret', () => {
    const token = expand('ghp_<alnum:36>', dice(4)).secret;
    for (const field of [{ signature: token }, { type: 'image', source: { data: token } }]) {
      const { counts } = redactor.redact(Buffer.from(JSON.stringify(field)));
      expect(counts?.get('github-token')).toBe(1);
    }
  });
});

describe('text that looks like a secret but is not', () => {
  it.each([
    `commit ${hex(40)}`,
    `sha256:${hex(64)}`,
    `"integrity": "sha512-${randomBytes(64).toString('base64')}"`,
    `h1:${createHash('sha256').update('x').digest('base64')}`,
    `etag: W/"${hex(32)}"`,
    `0x${hex(64)} 0x${hex(40)}`,
    '/nix/store/0c5b8vw40dy178xlpddw65q9gf1h2186-bash-5.2',
    'task-01HV8A2W3X4Y5Z6A7B8C9D0E1F disk-0123456789abcdef0123456789abcdef',
    'sk-loading-spinner-container-wrapper sk-fading-circle',
    'hf_requiredCharacteristicTypesForDisplay hf_hub_download_with_retries_and_backoff',
    'see Bearer BearerTokenAuthenticationFilter for details',
    'uses the Bearer scheme (RFC 6750); Authorization: Bearer {access_token}',
    'EURASIACONTINENTALDRIFTSTUDY FANTASIAORCHESTRALPERFORMANCES',
    'ACGTACGTAKIAACGTACGTACGTACGT',
    'npm_config_registry npm_package_version npm_lifecycle_event',
    'ghp_abc ghs_client github_pat_ glpat-short dapi-server key-value-store SG.sendMail.bind',
    'eyJhbGciOiJIUzI1NiJ9 is the header of eyJhbGciOiJIUzI1NiJ9.<payload>.<signature>',
    'arn:aws:iam::123456789012:user/AIDACKCEVSQ6C2EXAMPLE',
    '1234567890-abc123def456ghi789jkl012mno345pq.apps.googleusercontent.com',
    'req_011CSHoEeqs5C35K2UUqR7Fy toolu_01A09q90qw90lq917835lq9 call_J5pZ1r2s3t4u5v6w7x8y9z0a',
    'rs_68af4030baa48193b0b43b4c2a176a1a0e6967589f080e78 msg_01XFDUDYJgAACzvnptvVoYEL',
    '550e8400-e29b-41d4-a716-446655440000',
    "script-src 'nonce-jrISc2NpiQbZp7BBEeh/yw=='",
    'sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbXX0=',
    '"access_token": "[REDACTED:github_token]"',
    'pk_test_51H8x and sb_publishable_aB3dE5fG7hJ9 are public',
  ])('%s', (text) => {
    for (const line of [
      text,
      JSON.stringify({ text }),
      JSON.stringify({ a: JSON.stringify({ text }) }),
    ]) {
      const bytes = Buffer.from(`${line}\n`);
      expect(redactor.redact(bytes).bytes.toString()).toBe(bytes.toString());
    }
  });

  it("this project's own sources", () => {
    const root = fileURLToPath(new URL('../../src/', import.meta.url));
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    expect(files.length).toBeGreaterThan(30);
    for (const name of files) {
      const line = Buffer.from(
        `${JSON.stringify({ text: readFileSync(`${root}${name}`, 'utf8') })}\n`,
      );
      expect(redactor.redact(line).bytes.toString(), name).toBe(line.toString());
    }
  });
});
