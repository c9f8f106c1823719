import { createHash } from 'node:crypto';
import type { Bucket } from '../../src/bucket/bucket.js';

/**
 * A reader written from docs/bucket-layout.md alone ("Parts", "Generations" and the recipe at its end): it shares no code with
 * what it judges. It asks the bucket for a listing and for bodies, and knows nothing else.
 */
export async function readDocumented(bucket: Bucket, prefix: string): Promise<Buffer> {
  const bodies = new Map<string, Buffer>();
  for await (const entry of bucket.list(prefix)) {
    if (entry.kind !== 'object') continue;
    const leaf = entry.key.slice(prefix.length);
    if (!/^(part|gen)-/.test(leaf)) continue;
    const stored = await bucket.get(entry.key);
    if (stored !== undefined) bodies.set(leaf, stored.body);
  }
  return joinObjects(bodies);
}

/** Everything that lies in a stream's folder, joined in lexical order: the short recipe for a stream of one generation. */
export async function readBySorting(bucket: Bucket, prefix: string): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  for await (const entry of bucket.list(prefix)) {
    if (entry.kind !== 'object') continue;
    const leaf = entry.key.slice(prefix.length);
    if (leaf.startsWith('gen-')) return undefined;
    if (!leaf.startsWith('part-')) continue;
    parts.push((await bucket.get(entry.key))?.body ?? Buffer.alloc(0));
  }
  return Buffer.concat(parts);
}

interface Opening {
  readonly firstSeq: number;
  readonly base: { readonly gen: number; readonly parts: number } | null;
}

function joinObjects(bodies: ReadonlyMap<string, Buffer>): Buffer {
  const numbers = [...bodies.keys()]
    .map((name) => Number(/^gen-(\d+)\.json$/.exec(name)?.[1] ?? 0))
    .sort((left, right) => right - left);
  for (const generation of [...numbers, 0]) {
    const chain = joinGeneration(bodies, generation, Number.POSITIVE_INFINITY);
    if (chain !== undefined) return Buffer.concat(chain);
  }
  return Buffer.alloc(0);
}

/** At most `most` parts of a generation's chain; `undefined` when its record or a base's cannot be read. */
function joinGeneration(
  bodies: ReadonlyMap<string, Buffer>,
  generation: number,
  most: number,
): Buffer[] | undefined {
  const opening = generation === 0 ? { firstSeq: 0, base: null } : openingOf(bodies, generation);
  if (opening === undefined) return undefined;
  const { base, firstSeq } = opening;
  if (base !== null && base.gen >= generation) return undefined;
  const chain = base === null ? [] : joinGeneration(bodies, base.gen, Math.min(base.parts, most));
  if (chain === undefined) return undefined;
  let line = chain.reduce((sum, body) => sum + newlines(body), 0);
  for (let sequence = firstSeq; chain.length < most; sequence += 1) {
    const tag = createHash('sha256').update(`tcp1|${generation}|${line}`).digest('hex').slice(0, 8);
    const body = bodies.get(`part-${String(sequence).padStart(5, '0')}-${tag}.jsonl`);
    if (body === undefined) break;
    chain.push(body);
    line += newlines(body);
  }
  return chain;
}

function openingOf(bodies: ReadonlyMap<string, Buffer>, generation: number): Opening | undefined {
  try {
    const text = bodies.get(`gen-${String(generation).padStart(5, '0')}.json`)?.toString() ?? '';
    const record: Opening & { readonly gen: number } = JSON.parse(text);
    return record.gen === generation ? record : undefined;
  } catch {
    return undefined;
  }
}

function newlines(body: Buffer): number {
  return body.reduce((count, byte) => count + Number(byte === 0x0a), 0);
}
