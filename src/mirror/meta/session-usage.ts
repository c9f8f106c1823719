import type { Bucket } from '../../bucket/bucket.js';
import type { MetaDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import type { CountedStream, MetaUsage } from '../../protocol/usage.js';
import type { JoinUsage, OpenOutline } from '../outline.js';
import type { StreamMirror } from '../slots/stream-mirror.js';
import { readStreamUsage } from '../slots/stream-usage.js';
import type { SessionRef } from '../stream.js';

export interface UsageContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly openOutline: OpenOutline;
  readonly joinUsage: JoinUsage;
}

/** What a session used: its own streams as mirrored here, and those that only another machine has, from the bucket. */
export class SessionUsage {
  readonly #context: UsageContext;
  readonly #session: SessionRef;
  /** Streams of other machines, by name, as they were when they had this many lines. */
  readonly #others = new Map<string, { readonly total: number; readonly counted: CountedStream }>();

  constructor(context: UsageContext, session: SessionRef) {
    this.#context = context;
    this.#session = session;
  }

  async count(streams: ReadonlyMap<string, StreamMirror>): Promise<readonly CountedStream[]> {
    const counted: CountedStream[] = [];
    for (const [name, stream] of streams) {
      const read = await stream.readUsage();
      if (read !== undefined) counted.push({ name, ...read });
    }
    return counted;
  }

  /** Together with the streams that `known` lists and this machine does not mirror. */
  async join(
    counted: readonly CountedStream[],
    mirrored: ReadonlyMap<string, StreamMirror>,
    known: MetaDocument | undefined,
  ): Promise<MetaUsage | undefined> {
    const others: CountedStream[] = [];
    for (const { name, total_lines: total } of known?.streams ?? []) {
      const other = mirrored.has(name) ? undefined : await this.#other(name, total);
      if (other !== undefined) others.push(other);
    }
    const all = [...counted, ...others];
    return all.length === 0 ? undefined : this.#context.joinUsage(all);
  }

  async #other(name: string, total: number): Promise<CountedStream | undefined> {
    const before = this.#others.get(name);
    if (before?.total === total) return before.counted;
    const { bucket, layout, openOutline } = this.#context;
    const { harness, id } = this.#session;
    const prefix = layout.stream(harness, id, name);
    const open = (state?: unknown) => openOutline(this.#session, name, state);
    const read = await readStreamUsage(bucket, prefix, open);
    if (read === undefined) return undefined;
    const counted = { name, ...read };
    this.#others.set(name, { total, counted });
    return counted;
  }
}
