import { describe, expect, it } from 'vitest';
import {
  isDotEnv,
  isSecretName,
  isVocabulary,
  secretsOf,
  secretsOfDotEnv,
} from '../../src/redact/env-secrets.js';

describe('variables with secret-looking names', () => {
  it.each([
    'GITHUB_TOKEN',
    'AWS_SECRET_ACCESS_KEY',
    'DB_PASSWORD',
    'STRIPE_API_KEY_2',
    'apiKey',
    'SESSION_SECRET',
    'MASTER_KEY',
    'SENTRY_DSN',
  ])('%s', (name) => expect(isSecretName(name)).toBe(true));

  it.each([
    'PATH',
    'MAX_TOKENS',
    'PUBLIC_KEY',
    'STRIPE_PUBLISHABLE_KEY',
    'MONKEY',
    'KEYBOARD',
    'TOKENIZER',
  ])('not %s', (name) => expect(isSecretName(name)).toBe(false));

  it('provide their values, unless those point to a secret elsewhere', () => {
    expect(
      secretsOf({
        API_TOKEN: ' vB3x-Lm90Qz ',
        KEY_FILE: '/etc/key',
        DEPLOY_KEY: '/home/alex/.ssh/id_ed25519',
        VAULT_TOKEN: 'op://vault/item/field',
        CHAINED_TOKEN: ['$', '{API_TOKEN}'].join(''),
        EMPTY_SECRET: '',
        MISSING_SECRET: undefined,
        HOME: '/home/alex',
      }),
    ).toEqual(['vB3x-Lm90Qz']);
  });

  it('are read from .env files as dotenv writes them', () => {
    const text =
      "# a comment\nA_TOKEN='w3Rt quoted'\nexport B_SECRET=pL41n.Zq # with a comment\nC=d\nbroken";
    expect(secretsOfDotEnv(text)).toEqual(['w3Rt quoted', 'pL41n.Zq']);
  });

  it.each([
    'timestamp',
    'tool_use_id',
    'cacheReadInputTokens',
    'function_call_output',
    'claude-sonnet-4-5-20250929',
    'gpt-4o-mini',
    'eu-central-1',
    'redis://localhost:6379/0',
    'shop2026',
    'hunter2hunter2',
    'the quick brown fox',
    'k8s-x86_64-v1.31.2',
    'mot de passe oublié',
    '2026-11-29T10:00:00.000Z',
  ])('that are words are not looked for: %s', (value) => {
    expect(isVocabulary(value)).toBe(true);
    expect(secretsOf({ A_TOKEN: value })).toEqual([]);
  });

  it.each([
    'hJ4kQ9zR2mX7wL5t',
    'correct-horse-xQ7pLm2z',
    '9f86d081884c7d659a2feaa0c55ad015',
    '3f2a1b4c-8d7e-4f60-9a1b-2c3d4e5f6071',
    'qwzxkjvbnmplkdfg',
    'aB3$kL9!pQ',
    'postgres://app:rT8vXw3kQm@db/app',
  ])('that look random are: %s', (value) => {
    expect(secretsOf({ A_TOKEN: value })).toEqual([value]);
  });

  it('come from .env files other than examples', () => {
    const names = [
      '.env',
      '.env.local',
      '.env.example',
      '.env.sample',
      '.envrc',
      'env',
      '.env.production.template',
    ];
    expect(names.filter(isDotEnv)).toEqual(['.env', '.env.local']);
  });
});
