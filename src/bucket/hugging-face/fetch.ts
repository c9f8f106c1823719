import type { Clock } from '../../clock.js';
import type { StoreClock } from '../store-clock.js';

/** The Hub did not answer, or not meaningfully; retrying may help. */
export class HubSilence extends Error {
  readonly retryAfterMs: number | undefined;
  readonly isTooFast: boolean;

  constructor(message: string, options: { retryAfterMs?: number; isTooFast?: boolean } = {}) {
    super(message);
    this.name = 'HubSilence';
    this.retryAfterMs = options.retryAfterMs;
    this.isTooFast = options.isTooFast ?? false;
  }
}

interface HubFetchOptions {
  readonly clock: Clock;
  readonly storeClock: StoreClock;
  readonly endpoint: string;
  /** Milliseconds until an answer must start, for a request with a negligible body. */
  readonly answerMs: number;
}

const attempts = 3;
const basePauseMs = 200;
/** If the Hub asks for a longer pause, that is reported to the caller. */
const longestPauseMs = 10_000;
/** The slowest connection for which an upload's time-out allows. */
const slowestBytesPerMs = 50;

/**
 * The one `fetch` behind every request, the client's included: always with a time-out, retrying transient failures
 * with jitter. Bodies are strings and byte arrays, so they can be sent again. Throws `HubSilence`.
 */
export function createHubFetch(options: HubFetchOptions): typeof fetch {
  return async (input, init = {}) => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await once(options, input, init);
      if (outcome instanceof Response) return outcome;
      const pauseMs = Math.random() * basePauseMs * 2 ** attempt;
      const waitMs = Math.max(pauseMs, outcome.retryAfterMs ?? 0);
      if (attempt >= attempts || waitMs > longestPauseMs) throw outcome;
      await options.clock.sleep(waitMs, init.signal ?? undefined);
      init.signal?.throwIfAborted();
    }
  };
}

async function once(
  { clock, storeClock, endpoint, answerMs }: HubFetchOptions,
  input: Parameters<typeof fetch>[0],
  init: RequestInit,
): Promise<Response | HubSilence> {
  const sentAt = clock.monotonic();
  const url = input instanceof Request ? input.url : String(input);
  const timeoutMs = answerMs + bytesOf(init.body) / slowestBytesPerMs;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const signals = [late.signal, ...(init.signal == null ? [] : [init.signal])];
  try {
    const answer = await fetch(input, { ...init, signal: AbortSignal.any(signals) });
    if (url.startsWith(`${endpoint}/`)) {
      storeClock.observe(answer.headers.get('date') ?? undefined, sentAt, clock.monotonic());
    }
    if (!isPassing(answer.status)) return answer;
    await answer.body?.cancel();
    return silenceOf(answer, clock.now());
  } catch (error) {
    init.signal?.throwIfAborted();
    if (late.signal.aborted) return new HubSilence(`no answer in ${Math.round(timeoutMs)} ms`);
    return new HubSilence(`no answer (${networkCode(error)})`);
  } finally {
    clearTimeout(timer);
  }
}

function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** `RateLimit: "api";r=0;t=34` counts seconds: https://huggingface.co/docs/hub/rate-limits */
function silenceOf({ status, headers }: Response, now: number): HubSilence {
  const reset = /;\s*t=(\d{1,6})/.exec(headers.get('ratelimit') ?? '')?.[1];
  const isTooFast = status === 429;
  const seconds = isTooFast && reset !== undefined ? Number(reset) * 1000 : undefined;
  const retryAfterMs = parseWish(headers.get('retry-after'), now) ?? seconds;
  return new HubSilence(isTooFast ? 'too many requests (429)' : `it answered ${status}`, {
    isTooFast,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after */
function parseWish(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** undici wraps the system's error: `fetch failed`, and the code in its cause. */
export function networkCode(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return error instanceof Error ? error.name : 'unknown';
}

function bytesOf(body: RequestInit['body']): number {
  if (typeof body === 'string') return body.length;
  return ArrayBuffer.isView(body) ? body.byteLength : 0;
}
