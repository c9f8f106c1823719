import { describe, expect, it } from 'vitest';
import {
  isDotEnv,
  isSecretName,
  secretsOf,
  secretsOfDotEnv,
} from '../../src/redact/env-secrets.js';

describe('variables whose names tell', () => {
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

  it('give their values, unless those point at a secret elsewhere', () => {
    expect(
      secretsOf({
        API_TOKEN: ' value-one ',
        KEY_FILE: '/etc/key',
        DEPLOY_KEY: '/home/alex/.ssh/id_ed25519',
        VAULT_TOKEN: 'op://vault/item/field',
        CHAINED_TOKEN: ['$', '{API_TOKEN}'].join(''),
        EMPTY_SECRET: '',
        MISSING_SECRET: undefined,
        HOME: '/home/alex',
      }),
    ).toEqual(['value-one']);
  });

  it('are read from .env files as dotenv writes them', () => {
    const text =
      "# a comment\nA_TOKEN='single quoted'\nexport B_SECRET=plain # with a comment\nC=d\nbroken";
    expect(secretsOfDotEnv(text)).toEqual(['single quoted', 'plain']);
  });

  it('lie in .env files that are not examples', () => {
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
