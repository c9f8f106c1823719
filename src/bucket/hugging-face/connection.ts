import type { Clock } from '../../clock.js';
import { throwIfAborted } from '../aborted.js';
import { createStoreClock, type StoreClock } from '../store-clock.js';
import { type HubCall, HubRefusal, hubError } from './errors.js';
import { createHubFetch } from './fetch.js';
import { hubBucketName, hubEndpoint, hubLocation, hubToken } from './location.js';

export interface HubOptions {
  /** `user/name` */
  readonly bucket: string;
  readonly endpoint?: string | undefined;
  readonly token?: string | undefined;
  readonly clock?: Clock | undefined;
  /** Milliseconds until an answer must start. */
  readonly answerMs?: number | undefined;
}

type HubClient = typeof import('@huggingface/hub');

/** Passed to every function of the client. */
interface HubParams {
  readonly repo: { readonly type: 'bucket'; readonly name: string };
  readonly accessToken: string;
  readonly hubUrl: string;
  readonly fetch: typeof fetch;
}

export interface HubWire {
  readonly client: HubClient;
  readonly params: HubParams;
}

export interface HubConnection {
  /** `user/name` */
  readonly bucket: string;
  readonly endpoint: string;
  /** Safe to print. */
  readonly location: string;
  readonly clock: Clock;
  readonly storeClock: StoreClock;
  /** Runs an operation and converts whatever it throws to a `TracecraftError`. */
  run<T>(call: HubCall, step: (wire: HubWire) => Promise<T>): Promise<T>;
  /** A request the client has no function for. Throws `HubRefusal`, which `run` interprets. */
  error(error: unknown, call: HubCall): unknown;
  /** Aborts everything in progress. */
  close(): void;
}

const defaultAnswerMs = 60_000;

/** Loads and sends nothing yet. `UsageError` for impossible names. */
export function openHubConnection(options: HubOptions, clock: Clock): HubConnection {
  const bucket = hubBucketName(options.bucket);
  const endpoint = hubEndpoint(options.endpoint, process.env);
  const location = hubLocation(bucket, endpoint);
  const storeClock = createStoreClock(clock);
  const answerMs = options.answerMs ?? defaultAnswerMs;
  const fetch = createHubFetch({ clock, storeClock, endpoint, answerMs });
  let token: string | undefined;

  const closing = new AbortController();

  const connect = async (signal: AbortSignal | undefined): Promise<HubWire> => {
    token ??= await hubToken({ token: options.token, env: process.env, location });
    const client = await import('@huggingface/hub');
    const repo = { type: 'bucket', name: bucket } as const;
    const params = {
      repo,
      accessToken: token,
      hubUrl: endpoint,
      fetch: stoppable(fetch, [closing.signal, signal]),
    };
    return { client, params };
  };

  const error = (cause: unknown, call: HubCall): unknown =>
    hubError(cause, { ...call, location, token });

  const run: HubConnection['run'] = async (call, step) => {
    try {
      throwIfAborted(call.signal);
      return await step(await connect(call.signal));
    } catch (cause) {
      throw error(cause, call);
    }
  };

  const close = (): void => closing.abort();
  return { bucket, endpoint, location, clock, storeClock, run, error, close };
}

/** Ends every request of a call with it, whichever function of the client sends it. */
function stoppable(send: typeof fetch, ends: readonly (AbortSignal | undefined)[]): typeof fetch {
  return (input, init = {}) => {
    const signals = [...ends, init.signal].filter((one) => one != null);
    return send(input, { ...init, signal: AbortSignal.any(signals) });
  };
}

/** Asks the API for something the client has no function for. */
export async function askHub({ params }: HubWire, path: string): Promise<unknown> {
  const { hubUrl, repo, accessToken, fetch } = params;
  const answer = await fetch(`${hubUrl}/api/buckets/${repo.name}${path}`, {
    headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json' },
  });
  if (!answer.ok) throw await refusalOf(answer);
  return answer.json();
}

export async function refusalOf(answer: Response): Promise<HubRefusal> {
  const text = await answer.text();
  try {
    return new HubRefusal(answer.status, JSON.parse(text));
  } catch {
    return new HubRefusal(answer.status, { message: text });
  }
}

/** For URLs: the client inserts paths unescaped. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
