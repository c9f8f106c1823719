import type { Key } from '../../bucket/bucket.js';
import { RefusedError } from '../../errors.js';
import { DocumentError } from '../../protocol/documents.js';
import { decodeId, isName } from '../../protocol/names.js';
import type { SessionRef } from '../stream.js';
import { type RemovalStore, readRemoval } from './record.js';

interface Verdict {
  readonly isRemoved: boolean;
  /** Which decision it was; '' if there is none, or none that can be read. */
  readonly nonce: string;
  /** What the listing said about the record when it was read. */
  readonly listed: string | undefined;
}

const never: Verdict = { isRemoved: false, nonce: '', listed: undefined };

/**
 * What this process knows about removed sessions: one listing of all records, and those that concern sessions of this
 * machine, read once per decision.
 */
export class RemovedSessions {
  readonly #store: RemovalStore;
  #listed: ReadonlyMap<Key, string> = new Map();
  readonly #verdicts = new Map<Key, Verdict>();

  constructor(store: RemovalStore) {
    this.#store = store;
  }

  /** One request. */
  async list(): Promise<void> {
    const { bucket, layout } = this.#store;
    const listed = new Map<Key, string>();
    for await (const entry of bucket.list(layout.removals())) {
      if (entry.kind !== 'object') continue;
      listed.set(entry.key, `${entry.modifiedAt.getTime()} ${entry.size}`);
    }
    this.#listed = listed;
  }

  /** The records in the last listing. */
  get listed(): Iterable<Key> {
    return this.#listed.keys();
  }

  /** Whose record it is; `undefined` if the key does not say: a shortened id, or a name that is not ours. */
  refOf(key: Key): SessionRef | undefined {
    const { layout } = this.#store;
    const [harness = '', leaf = '', ...more] = key.slice(layout.removals().length).split('/');
    const ref = { harness, id: decodeId(leaf.replace(/\.json$/, '')) };
    if (more.length > 0 || ref.id === '' || !isName(harness)) return undefined;
    return this.#keyOf(ref) === key ? ref : undefined;
  }

  /** Whether the bucket was asked about any session. */
  get isAny(): boolean {
    return this.#verdicts.size > 0;
  }

  /** As far as known, without a request. */
  isRemoved(ref: SessionRef): boolean {
    return this.isAny && this.#verdict(ref).isRemoved;
  }

  /** Asks the bucket only about a record that is listed and was not read in this version. */
  async learn(ref: SessionRef): Promise<'same' | 'changed'> {
    if (this.#listed.size === 0) return 'same';
    const key = this.#keyOf(ref);
    const listed = this.#listed.get(key);
    if (listed === undefined || this.#verdict(ref).listed === listed) return 'same';
    return this.look(ref);
  }

  /** Asks the bucket. `changed`: somebody has removed or restored the session since this process last looked. */
  async look(ref: SessionRef): Promise<'same' | 'changed'> {
    const key = this.#keyOf(ref);
    const before = this.#verdict(ref);
    const listed = this.#listed.get(key);
    const now = { ...(await this.#read(ref)), listed };
    this.#verdicts.set(key, now);
    return now.nonce === before.nonce && now.isRemoved === before.isRemoved ? 'same' : 'changed';
  }

  /** Before a hole is filled: somebody may have made it on purpose. Throws a `RefusedError`. */
  async requireKept(ref: SessionRef): Promise<void> {
    await this.look(ref);
    if (!this.isRemoved(ref)) return;
    throw new RefusedError(`${ref.harness}/${ref.id} was removed from the bucket`);
  }

  /** What cannot be read is not mirrored until somebody has looked at it: it may mean a removal. */
  async #read(ref: SessionRef): Promise<Omit<Verdict, 'listed'>> {
    try {
      const removal = await readRemoval(this.#store, ref);
      if (removal === undefined) return never;
      const { state, nonce } = removal.document;
      return { isRemoved: state === 'removed', nonce };
    } catch (error) {
      if (error instanceof DocumentError) return { isRemoved: true, nonce: '' };
      throw error;
    }
  }

  #verdict(ref: SessionRef): Verdict {
    return this.#verdicts.get(this.#keyOf(ref)) ?? never;
  }

  #keyOf({ harness, id }: SessionRef): Key {
    return this.#store.layout.removal(harness, id);
  }
}
