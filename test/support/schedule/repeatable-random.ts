import { AsyncLocalStorage } from 'node:async_hooks';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/** The random numbers of one process. */
interface Source {
  readonly actor: string;
  drawn: number;
}

const source = new AsyncLocalStorage<Source>();
const { randomBytes } = crypto;
const { random } = Math;

/**
 * Runs one process of a schedule. Its nonces and ids depend on its name and on how many it has drawn, so a schedule that is
 * played again writes the same bytes.
 */
export function asActor<T>(actor: string, work: () => T): T {
  return source.run({ actor, drawn: 0 }, work);
}

/** From now on, for everything that runs as an actor; the rest draws as before. */
export function makeRandomRepeatable(): void {
  Object.assign(crypto, { randomBytes: (size: number) => drawn(size) ?? randomBytes(size) });
  Math.random = () => (drawn(6)?.readUIntBE(0, 6) ?? random() * 2 ** 48) / 2 ** 48;
  syncBuiltinESMExports();
}

export function restoreRandom(): void {
  Object.assign(crypto, { randomBytes });
  Math.random = random;
  syncBuiltinESMExports();
}

function drawn(size: number): Buffer | undefined {
  const now = source.getStore();
  if (now === undefined) return undefined;
  now.drawn += 1;
  const text = `${now.actor} ${now.drawn}`;
  return crypto.createHash('sha512').update(text).digest().subarray(0, size);
}
