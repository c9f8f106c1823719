import { join } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { TracecraftError } from '../../errors.js';

/** Tells when to look, nothing more: events may be lost, doubled or late, and the sweep makes up for all of it. */
export interface FileEvents {
  /** Listens below these folders too. Cheap when they are listened to already; a folder that is not there is no trouble. */
  listen(roots: readonly string[], listener: EventListener): Promise<void>;
  close(): Promise<void>;
}

export interface EventListener {
  /** A file or a folder may have changed. */
  readonly onPath: (path: string) => void;
  /** Nobody wants to hear of this path, nor of anything below it. */
  readonly ignores?: (path: string) => boolean;
  /** Events cannot be had at all, e.g. since the machine has no more to give. */
  readonly onTrouble: (error: Error) => void;
}

/** No events at all: the sweep alone (`--poll`). */
export const noEvents: FileEvents = {
  listen: async () => undefined,
  close: async () => undefined,
};

/** What ends events for everybody; anything else concerns one folder, which the sweep looks at all the same. */
const exhausted = new Set(['ENOSPC', 'EMFILE', 'ENFILE', 'ENOMEM']);

/**
 * chokidar on the folders only, listening to its raw events: one inotify watch per folder instead of one per file (501
 * instead of 10,501 for 10,000 transcripts, measured), and no stat of its own per event. Its cooked events are not used:
 * versions 3 to 5 drop the last change of a burst (chokidar issue 1455). Nor is its `ready` waited for: it never comes when
 * there is nothing to watch, or when watching failed.
 */
export function chokidarEvents(): FileEvents {
  const listened = new Set<string>();
  let watcher: FSWatcher | undefined;
  let isClosed = false;

  async function open(listener: EventListener): Promise<FSWatcher> {
    const { onPath, onTrouble, ignores = () => false } = listener;
    const { watch } = await import('chokidar');
    const opened = watch([], {
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
      awaitWriteFinish: false,
      alwaysStat: false,
      ignored: (path, stats) => ignores(path) || (stats !== undefined && !stats.isDirectory()),
    });
    opened.on('raw', (_event, path, details: unknown) => {
      const folder = watchedPath(details);
      const whole = typeof path !== 'string' || folder === undefined ? path : join(folder, path);
      if (typeof whole === 'string' && !ignores(whole)) onPath(whole);
    });
    opened.on('addDir', (path) => onPath(path));
    opened.on('error', (error) => {
      if (error instanceof Error && isExhaustion(error)) onTrouble(error);
    });
    return opened;
  }

  return {
    listen: async (roots, listener) => {
      const fresh = roots.filter((root) => !listened.has(root));
      if (fresh.length === 0 || isClosed) return;
      for (const root of fresh) listened.add(root);
      watcher ??= await open(listener);
      watcher.add(fresh);
    },
    close: async () => {
      isClosed = true;
      await watcher?.close();
    },
  };
}

function isExhaustion(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && exhausted.has(error.code);
}

function watchedPath(details: unknown): string | undefined {
  if (typeof details !== 'object' || details === null) return undefined;
  const path: unknown = Reflect.get(details, 'watchedPath');
  return typeof path === 'string' ? path : undefined;
}

/** What the user is told once events cannot be had. */
export class NoFileEvents extends TracecraftError {
  constructor(cause: Error, pollMs: number) {
    super(
      'unsupported',
      `no file events (${cause.message}); looking every ${pollMs / 1000} s instead`,
      {
        hint: 'On Linux more can be allowed: sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512',
        cause,
      },
    );
  }
}
