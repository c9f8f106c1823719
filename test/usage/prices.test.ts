import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { calcPrice } from '@pydantic/genai-prices';
import { describe, expect, it } from 'vitest';
import { listPrices } from '../../scripts/prices.mjs';
import { noUsage, promptLengthOf, type Usage, type UsageSlot } from '../../src/protocol/usage.js';
import { Prices } from '../../src/usage/prices.js';
import { repositoryRoot } from '../support/run-cli.js';

const snapshot: unknown = JSON.parse(
  readFileSync(join(repositoryRoot, 'src/usage/list-prices.json'), 'utf8'),
);
const prices = new Prices(snapshot);

function slot(model: string, usage: Partial<Usage>, at = '2026-11-01T12:00:00Z'): UsageSlot {
  const used = { ...noUsage, calls: 1, ...usage };
  const longerThan = promptLengthOf(used);
  const startMs = Date.parse(at);
  return { startMs, span: 'quarter', model, longerThan, usage: used, print: '' };
}

describe('list prices', () => {
  it('are those of the package that is installed', () => {
    expect(snapshot).toEqual(listPrices());
  });

  const used = { input: 5_000, cacheRead: 20_000, write5m: 3_000, write1h: 4_000, output: 700 };

  it.each([
    ['claude-opus-5-5', {}],
    ['claude-sonnet-4-5-20250929', {}],
    ['claude-sonnet-4-5-20250929', { input: 250_000 }],
    ['claude-haiku-4-5-20251001', { searches: 3 }],
    ['gpt-5-codex', { write5m: 0, write1h: 0 }],
    ['gpt-5.5', { write5m: 0, write1h: 0, input: 300_000 }],
    ['gemini-2.5-pro', { write5m: 0, write1h: 0, input: 210_000 }],
  ])('of %s with %j are what the package itself calculates', (model, more) => {
    const one = slot(model, { ...used, ...more });
    const { input, cacheRead, write5m, write1h, output, searches } = one.usage;
    const theirs = calcPrice(
      {
        input_tokens: input + cacheRead + write5m + write1h,
        cache_read_tokens: cacheRead,
        cache_write_tokens: write5m + write1h,
        cache_write_1h_tokens: write1h,
        output_tokens: output,
        web_searches: searches,
      },
      model,
      { timestamp: new Date(one.startMs) },
    );
    expect(theirs?.total_price).toBeGreaterThan(0);
    expect(prices.of(one)).toBeCloseTo(theirs?.total_price ?? 0, 9);
  });

  it('are the same under the names that gateways and clouds give a model', () => {
    const price = prices.of(slot('claude-sonnet-4-5', { input: 1_000_000 / 8 }));
    expect(price).toBeCloseTo(0.375, 9);
    for (const name of [
      'anthropic/claude-sonnet-4.5',
      'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
      'claude-sonnet-4-5@20250929',
      'claude-sonnet-4-5[1m]',
    ]) {
      expect([name, prices.of(slot(name, { input: 1_000_000 / 8 }))]).toEqual([name, price]);
    }
  });

  it('follow the date of the call', () => {
    const long = { input: 300_000 };
    const before = prices.of(slot('claude-sonnet-4-6', long, '2026-03-01T00:00:00Z'));
    const after = prices.of(slot('claude-sonnet-4-6', long, '2026-04-01T00:00:00Z'));
    expect([before, after]).toEqual([1.8, 0.9]);
  });

  it('are unknown for a model that only begins like one with a price', () => {
    for (const name of [
      'claude-opus-5-9',
      'gpt-5-turbo-max',
      'mock-model',
      '__proto__',
      'constructor',
    ]) {
      expect([name, prices.of(slot(name, { input: 1 }))]).toEqual([name, undefined]);
    }
  });

  it('give way to those of the config', () => {
    const own = new Prices(snapshot, { 'my-model': { input: 2, output: 10, cache_read: 0.5 } });
    const usage = { input: 1_000_000, cacheRead: 2_000_000, write1h: 1_000_000, output: 100_000 };
    expect(own.of(slot('my-model', usage))).toBeCloseTo(2 + 1 + 2 + 1, 9);
  });
});
