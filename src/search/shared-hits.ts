import type { Bucket, Key } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import { completeLines } from '../mirror/lines.js';
import { DamagedPackError } from './pack/bytes.js';
import type { Pack } from './pack/pack.js';
import { rowIn } from './row.js';
import type { Hit } from './scan.js';

/** A part that a pack of the bucket covers. */
interface SharedPart {
  readonly stream: string;
  readonly key: Key;
  readonly startLine: number;
  readonly endLine: number;
  readonly pack: Pack;
}

export type Claims = ReadonlyMap<SharedPart, readonly Hit[]>;

/**
 * Whoever may write to the bucket may have made a pack that says anything. So a hit in one is shown only after its line
 * was read from the part itself.
 */
export class SharedHits {
  readonly #harness: string;
  readonly #parts: SharedPart[] = [];

  constructor(harness: string) {
    this.#harness = harness;
  }

  cover(part: SharedPart): void {
    this.#parts.push(part);
  }

  /** Which of these hits only packs tell, by the part that must have them. */
  claimsOf(hits: readonly Hit[]): Claims {
    const claims = new Map<SharedPart, Hit[]>();
    for (const hit of hits) {
      const part = this.#partOf(hit);
      if (part === undefined) continue;
      const known = claims.get(part);
      if (known === undefined) claims.set(part, [hit]);
      else known.push(hit);
    }
    return claims;
  }

  /** Throws a `DamagedPackError`, and trusts the pack no more, if a part has another row than its pack. */
  async prove(bucket: Bucket, claims: Claims): Promise<void> {
    await inParallel([...claims], async ([part, some]) => {
      const body = (await bucket.get(part.key))?.body;
      const lines = body === undefined ? [] : completeLines(body);
      if (some.every((hit) => this.#isRow(hit, lines[hit.line - part.startLine]))) return;
      part.pack.distrust();
      throw new DamagedPackError('a part has another row');
    });
  }

  #partOf({ stream, line }: Hit): SharedPart | undefined {
    return this.#parts.find(
      (part) => part.stream === stream && line >= part.startLine && line < part.endLine,
    );
  }

  #isRow({ role, tool, atMs, text }: Hit, line: Buffer | undefined): boolean {
    if (line === undefined) return false;
    const row = rowIn(this.#harness, line.toString('utf8', 0, line.length - 1));
    return (
      row?.text === text && row.role === role && row.tool === tool && Object.is(row.atMs, atMs)
    );
  }
}
