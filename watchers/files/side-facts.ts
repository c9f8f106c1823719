import type { TracecraftError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import type { SessionFacts } from '../../src/mirror/stream.js';
import { unreadable } from '../unreadable.js';
import { snapshotOf } from './file-snapshot.js';
import { withFacts } from './row-facts.js';

export interface SideFile {
  readonly path: string;
  /** What its text says about the session. */
  readonly read: (text: string) => SessionFacts;
}

/** How side files are read. */
export interface SideDisk {
  readonly io: Io;
  readonly onUnreadable: (error: TracecraftError) => void;
}

/** Anything larger is not what a harness keeps there. */
const largest = 1 << 20;

/**
 * What a small file next to a transcript says about its session, read again whenever that has changed. A file that is
 * damaged or half written takes nothing away.
 */
export class SideFacts {
  readonly #disk: SideDisk;
  readonly #file: SideFile;
  #token: string | undefined;
  #told: SessionFacts = {};

  constructor(disk: SideDisk, file: SideFile) {
    this.#disk = disk;
    this.#file = file;
  }

  async look(): Promise<void> {
    const { io, onUnreadable } = this.#disk;
    const { path, read } = this.#file;
    try {
      const stat = await io.stat(path);
      const isReadable = stat?.kind === 'file' && stat.size <= largest;
      const token = isReadable ? snapshotOf(stat).token : undefined;
      if (token === undefined || token === this.#token) return;
      this.#token = token;
      this.#told = read((await io.readFile(path))?.toString('utf8') ?? '');
    } catch (error) {
      if (!(error instanceof SyntaxError)) onUnreadable(unreadable(path, error));
    }
  }

  /** What the transcript told, with what the file said at the last look. */
  with(facts: SessionFacts): SessionFacts {
    return withFacts(facts, this.#told);
  }
}
