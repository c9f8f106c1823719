import { createHash } from 'node:crypto';

/** Of an object's content, in hex, each computed when it is first asked for: several layers need them, and each is a pass over all of it. */
export class Digests {
  readonly #body: Uint8Array;
  #md5: string | undefined;
  #sha256: string | undefined;

  /** The body stays as it is for as long as it is asked. */
  constructor(body: Uint8Array) {
    this.#body = body;
  }

  get md5(): string {
    this.#md5 ??= createHash('md5').update(this.#body).digest('hex');
    return this.#md5;
  }

  get sha256(): string {
    this.#sha256 ??= createHash('sha256').update(this.#body).digest('hex');
    return this.#sha256;
  }
}
