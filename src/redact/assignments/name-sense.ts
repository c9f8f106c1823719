import type { NamedRule } from '../rule.js';
import { bareName, type SecretName, secretNameOf } from './names.js';

/** What the rules and a name's words say about its value. */
export interface NameSense {
  readonly secretName: SecretName | undefined;
  readonly named: readonly NamedRule[];
  readonly mayBeBasic: boolean;
}

const mostRemembered = 4096;

/** Caches the meaning of names: transcripts repeat the same few. */
export class NameReader {
  readonly #named: readonly NamedRule[];
  readonly #known = new Map<string, NameSense | undefined>();

  constructor(named: readonly NamedRule[]) {
    this.#named = named;
  }

  /** `undefined` if the name is no reason to look at the value. */
  read(name: string): NameSense | undefined {
    if (this.#known.has(name)) return this.#known.get(name);
    if (this.#known.size >= mostRemembered) this.#known.clear();
    const sense = this.#senseOf(name);
    this.#known.set(name, sense);
    return sense;
  }

  #senseOf(name: string): NameSense | undefined {
    const bare = bareName(name);
    const secretName = secretNameOf(name);
    const named = this.#named.filter((rule) => rule.name.test(bare));
    const mayBeBasic = bare.endsWith('auth');
    if (secretName === undefined && named.length === 0 && !mayBeBasic) return undefined;
    return { secretName, named, mayBeBasic };
  }
}
