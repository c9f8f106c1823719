import { HubSilence } from './fetch.js';

/**
 * What one call's batches sent over the wire: the client remembers only five of the paths and none
 * of the reasons.
 */
export interface BatchRecord {
  /** What the Hub was told to store under a path. */
  readonly hashes: Map<string, string>;
  /** Reason by path. */
  readonly failed: Map<string, string>;
  /** Whether any batch was answered. */
  isAnswered: boolean;
}

/** The same `fetch`, recording what the batches contained and what became of them. */
export function recordingFetch(send: typeof fetch): {
  readonly fetch: typeof fetch;
  readonly record: BatchRecord;
} {
  const record: BatchRecord = { hashes: new Map(), failed: new Map(), isAnswered: false };
  const recording: typeof fetch = async (input, init) => {
    const answer = await send(input, init);
    const isBatch = init?.method === 'POST' && String(input).endsWith('/batch');
    if (!isBatch || !(answer.ok || answer.status === 422)) return answer;
    if (typeof init.body === 'string') noteHashes(record, init.body);
    noteFailures(record, await bodyOf(answer.clone()));
    return answer;
  };
  return { fetch: recording, record };
}

function noteHashes({ hashes }: BatchRecord, body: string): void {
  for (const line of body.split('\n')) {
    const operation: unknown = JSON.parse(line);
    const path = textAt(operation, 'path');
    const hash = textAt(operation, 'xetHash');
    if (path !== undefined && hash !== undefined) hashes.set(path, hash);
  }
}

function noteFailures(record: BatchRecord, body: unknown): void {
  const failed = fieldOf(body, 'failed');
  // Without this field it is unknown what was applied.
  if (!Array.isArray(failed)) throw new HubSilence('a batch was answered without its outcome');
  record.isAnswered = true;
  for (const one of failed) {
    const path = textAt(one, 'path');
    if (path !== undefined) record.failed.set(path, textAt(one, 'error') ?? 'no reason given');
  }
}

async function bodyOf(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch {
    throw new HubSilence('a batch was answered with something that is not JSON');
  }
}

export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function textAt(value: unknown, name: string): string | undefined {
  const field = fieldOf(value, name);
  return typeof field === 'string' ? field : undefined;
}
