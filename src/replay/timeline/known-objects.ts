import type { RecordedEntry } from './recorded.js';

/** What an event says about its object. */
export type Fact = Pick<RecordedEntry, 'type' | 'timeNs' | 'epoch' | 'ref'>;

/** What the events say, indexed by object. Keeps only objects of interest: there may be very many events. */
export class KnownObjects {
  readonly #byKey = new Map<string, Fact[]>();
  /** A memory has one key and may have thousands of versions. */
  readonly #versions = new Set<string>();

  constructor(keys: Iterable<string>) {
    for (const key of keys) this.#byKey.set(key, []);
  }

  add({ type, timeNs, epoch, ref }: Fact): void {
    const facts = ref === undefined ? undefined : this.#byKey.get(ref.key);
    if (ref === undefined || facts === undefined) return;
    if (!type.startsWith('memory.')) facts.push({ type, timeNs, epoch, ref });
    else this.#versions.add(versionOf(ref.key, ref.version ?? undefined));
  }

  /** Whether an event records this version, or does not say which. */
  hasVersion(key: string, version: number): boolean {
    return this.#versions.has(versionOf(key, version)) || this.#versions.has(versionOf(key));
  }

  of(key: string): readonly Fact[] {
    return this.#byKey.get(key) ?? [];
  }
}

function versionOf(key: string, version?: number): string {
  return `${version ?? 'any'} ${key}`;
}
