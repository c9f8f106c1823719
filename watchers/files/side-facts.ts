import type { TracecraftError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import type { LineStream, SessionFacts } from '../../src/mirror/stream.js';
import { unreadable } from '../unreadable.js';
import { snapshotOf } from './jsonl-file.js';
import { withFacts } from './row-facts.js';
import { wrapped } from './wrapped-stream.js';

interface SideFile {
  readonly io: Io;
  readonly path: string;
  /** What its text says about the session. */
  readonly read: (text: string) => SessionFacts;
  readonly onUnreadable: (error: TracecraftError) => void;
}

/** Anything larger is not what the harness keeps there. */
const largest = 1 << 20;

/**
 * A transcript with what a small file next to it says about its session, read again whenever that has changed. A file
 * that is damaged or half written takes nothing away.
 */
export function withSideFile(stream: LineStream, side: SideFile): LineStream {
  let token: string | undefined;
  let told: SessionFacts = {};
  const refresh = async (): Promise<void> => {
    try {
      const stat = await side.io.stat(side.path);
      const now =
        stat?.kind === 'file' && stat.size <= largest ? snapshotOf(stat).token : undefined;
      if (now === undefined || now === token) return;
      token = now;
      told = side.read((await side.io.readFile(side.path))?.toString('utf8') ?? '');
    } catch (error) {
      if (!(error instanceof SyntaxError)) side.onUnreadable(unreadable(side.path, error));
    }
  };
  return wrapped(stream, {
    changed: async (since) => {
      await refresh();
      return stream.changed(since);
    },
    facts: (line, before) => withFacts(stream.facts(line, before), told),
  });
}
