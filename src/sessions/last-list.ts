import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Io } from '../io.js';
import type { SessionRef } from '../mirror/stream.js';

const schema = v.array(v.object({ harness: v.string(), id: v.string() }));

/** The last listing shown in a terminal, so that `@2` means its second row. */
export class LastList {
  readonly #io: Io;
  readonly #path: string | undefined;

  /** `terminal` distinguishes two windows of one user; without it nothing is remembered. */
  constructor(io: Io, stateFolder: string, terminal: string | undefined) {
    const name = createHash('sha256')
      .update(terminal ?? '')
      .digest('hex')
      .slice(0, 16);
    this.#io = io;
    this.#path = terminal === undefined ? undefined : join(stateFolder, 'lists', `${name}.json`);
  }

  async read(): Promise<readonly SessionRef[]> {
    if (this.#path === undefined) return [];
    try {
      const bytes = await this.#io.readFile(this.#path);
      const result = v.safeParse(schema, JSON.parse(bytes?.toString('utf8') ?? '[]'));
      return result.success ? result.output : [];
    } catch {
      return [];
    }
  }

  /** A failure only costs a convenience, so it is not reported. */
  async write(sessions: readonly SessionRef[]): Promise<void> {
    if (this.#path === undefined) return;
    const refs = sessions.map(({ harness, id }) => ({ harness, id }));
    await this.#io.replaceFile(this.#path, `${JSON.stringify(refs)}\n`).catch(() => undefined);
  }
}
