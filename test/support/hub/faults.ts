export interface HubRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** What this server calls itself. */
  readonly origin: string;
}

export interface HubAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/**
 * What becomes of a request: an answer instead of the real one; its connection dropped before anything was done, or after
 * everything was; half of the real answer's body.
 */
export type Fate = HubAnswer | 'dropped' | 'unanswered' | 'cut-short';

interface Fault {
  readonly matches: (request: HubRequest) => boolean;
  readonly fates: Fate[];
}

/** Fates of requests to come, in the order in which they were asked for. */
export class Faults {
  #faults: Fault[] = [];
  #latency: () => number = () => 0;

  /** `what` is matched against `METHOD /path?query`; each fate meets one request. */
  next(what: RegExp, ...fates: readonly Fate[]): void {
    const matches = ({ method, url }: HubRequest): boolean => what.test(`${method} ${url}`);
    this.#faults.push({ matches, fates: [...fates] });
  }

  /** Milliseconds that each request waits before it is served. */
  delayAll(latency: () => number): void {
    this.#latency = latency;
  }

  clear(): void {
    this.#faults = [];
    this.#latency = () => 0;
  }

  latency(): number {
    return this.#latency();
  }

  take(request: HubRequest): Fate | undefined {
    const fault = this.#faults.find((one) => one.fates.length > 0 && one.matches(request));
    return fault?.fates.shift();
  }
}

/** How the Hub refuses who is too fast: https://huggingface.co/docs/hub/rate-limits */
export function tooFast(seconds: number): HubAnswer {
  return {
    status: 429,
    headers: {
      'content-type': 'application/json',
      ratelimit: `"api";r=0;t=${seconds}`,
      'ratelimit-policy': '"fixed window";"api";q=1000;w=300',
    },
    body: JSON.stringify({ error: 'We had to rate limit you' }),
  };
}

export const unavailable: HubAnswer = { status: 503, body: 'upstream went away' };
