import { parseDuration } from '../config/duration.js';
import { defaultTtlMs, maxTtlMs } from '../coordination/agents/liveness.js';
import { UsageError } from '../errors.js';

/**
 * Milliseconds of a `--ttl`, otherwise of the config, otherwise the default; `null`: the claim
 * never expires.
 */
export function claimTtl(
  text: string | undefined,
  configured: number | null | undefined,
): number | null {
  if (text === undefined) return configured === undefined ? defaultTtlMs : configured;
  if (text === 'none') return null;
  const ms = parseDuration('--ttl', text);
  if (ms <= maxTtlMs) return ms;
  throw new UsageError(`--ttl ${text} is more than 7d, the maximum`, {
    hint: 'Use "none" for a claim that never expires.',
  });
}

const shortestRunMs = 3_000;

/**
 * Milliseconds of `run --ttl`: a command that outlives it must be ended, so there is always a
 * limit.
 */
export function runTtl(text: string): number {
  const ttlMs = claimTtl(text, undefined);
  if (ttlMs !== null && ttlMs >= shortestRunMs) return ttlMs;
  throw new UsageError(`not a TTL to run with: ${text}`, {
    hint: 'Use 3s to 7d: the command is ended if it is not renewed for so long.',
  });
}
