import type { StructureRule } from '../rule.js';

/** Kinds that take more than a shape after a literal to recognise. */
export const structureRules: readonly StructureRule[] = [
  { kind: 'private-key', source: 'RFC 7468, RFC 4880, PuTTY key files', example: '<pem>' },
  {
    kind: 'jwt',
    source: 'RFC 7519, RFC 7516',
    example: 'eyJhbGciOiJIUzI1NiJ9.eyJ<url:80>.<url:43>',
  },
  { kind: 'bearer-token', source: 'RFC 6750', example: 'Authorization: Bearer ⟦<alnum:40>⟧' },
  { kind: 'basic-auth', source: 'RFC 7617', example: 'Authorization: Basic ⟦<basic>⟧' },
  {
    kind: 'authorization',
    source: 'RFC 9110, section 11.6.2',
    example: 'Authorization: token ⟦<hex:40>⟧',
  },
  {
    kind: 'url-password',
    source: 'RFC 3986, section 3.2.1',
    example: 'postgres://app:⟦<password>⟧@db.internal:5432/app',
  },
  {
    kind: 'url-token',
    source: 'Git over HTTPS',
    example: 'https://⟦<hex:40>⟧@github.com/acme/app.git',
  },
  {
    kind: 'kubernetes-secret',
    source: 'Kubernetes API reference, Secret',
    example: 'kind: Secret\ndata:\n  anything: ⟦<b64:40>⟧',
  },
  {
    kind: 'docker-auth',
    source: 'Docker configuration reference',
    example: '{"auths":{"ghcr.io":{"auth":"⟦<basic>⟧"}}}',
  },
  {
    kind: 'password',
    source: 'assignment to a secret-looking name',
    example: 'DB_PASSWORD=⟦<password>⟧',
  },
  {
    kind: 'token',
    source: 'assignment to a secret-looking name',
    example: '"refresh_token": "⟦<alnum:40>⟧"',
  },
  {
    kind: 'secret',
    source: 'assignment to a secret-looking name',
    example: 'clientSecret: "⟦<alnum:40>⟧"',
  },
  {
    kind: 'key',
    source: 'assignment to a secret-looking name',
    example: 'ENCRYPTION_KEY=⟦<hex:64>⟧',
  },
  {
    kind: 'command-password',
    source: 'arguments of programs that are known to take one',
    example: 'mysqldump -u root -p⟦<password>⟧ app',
  },
  {
    kind: 'curl-user-password',
    source: 'curl manual and its like, --user',
    example: 'curl -u deploy:⟦<password>⟧ https://example.org',
  },
  {
    kind: 'cookie',
    source: 'RFC 6265; cookie jars as curl writes them',
    example: 'Cookie: theme=dark; sid=⟦<alnum:40>⟧',
  },
  {
    kind: 'jwk-private-key',
    source: 'RFC 7518, section 6',
    example: '{"kty":"EC","crv":"P-256","d":"⟦<url:43>⟧"}',
  },
  {
    kind: 'encoded-secret',
    source: 'base64 or hex of a text with a secret in it',
    example: '<env64>',
  },
  { kind: 'known', source: 'values that the caller names', example: '' },
  { kind: 'budget', source: 'what could not be scanned within the allowance', example: '' },
];
