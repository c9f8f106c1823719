import { type Fields, fields } from '../../src/conversation/fields.js';
import type { TracecraftError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import { unreadable } from '../unreadable.js';
import { snapshotOf } from './file-snapshot.js';
import { openRegular } from './jsonl-file.js';

/** The rows at the start of a file that are complete. */
export interface FirstRowsOf {
  /** How the file begins. */
  readonly text: string;
  readonly rows: readonly Fields[];
  /** Nothing follows them but perhaps an unfinished line. */
  readonly isAll: boolean;
}

const peekBytes = 64 * 1024;
const mostRemembered = 20_000;
const newline = 0x0a;

/** Looks at how files begin, for what only their first rows tell; again only after a file has changed. */
export class FirstRows<Answer> {
  readonly #io: Io;
  readonly #onUnreadable: (error: TracecraftError) => void;
  readonly #judge: (first: FirstRowsOf) => Answer | undefined;
  readonly #answers = new Map<string, { readonly token: string; readonly answer?: Answer }>();

  constructor(
    { io, onUnreadable }: { readonly io: Io; onUnreadable(error: TracecraftError): void },
    judge: (first: FirstRowsOf) => Answer | undefined,
  ) {
    this.#io = io;
    this.#onUnreadable = onUnreadable;
    this.#judge = judge;
  }

  /** `undefined` while the rows do not tell. */
  async of(path: string): Promise<Answer | undefined> {
    try {
      const file = await openRegular(this.#io, path);
      if (file === undefined) return undefined;
      try {
        const stat = await file.stat();
        if (stat.kind !== 'file') return undefined;
        const { token } = snapshotOf(stat);
        const known = this.#answers.get(path);
        if (known?.token === token) return known.answer;
        const bytes = Buffer.alloc(Math.min(stat.size, peekBytes));
        const length = await file.read(bytes, 0);
        const answer = this.#judge(rowsIn(bytes.subarray(0, length), stat.size <= peekBytes));
        if (this.#answers.size >= mostRemembered) this.#answers.clear();
        this.#answers.set(path, answer === undefined ? { token } : { token, answer });
        return answer;
      } finally {
        await file.close();
      }
    } catch (error) {
      this.#onUnreadable(unreadable(path, error));
      return undefined;
    }
  }
}

function rowsIn(bytes: Buffer, isAll: boolean): FirstRowsOf {
  const rows: Fields[] = [];
  for (let start = 0; ; ) {
    const end = bytes.indexOf(newline, start);
    if (end === -1) return { text: bytes.toString('utf8'), rows, isAll };
    rows.push(fields(parsed(bytes.toString('utf8', start, end))));
    start = end + 1;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
