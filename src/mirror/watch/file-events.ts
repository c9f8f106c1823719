import { join } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { TracecraftError } from '../../errors.js';

/** Says when to check, nothing more: events may be lost, duplicated or late, and the sweep makes up for all of it. */
export interface FileEvents {
  /** Watches below these folders too. Cheap for folders already watched; a missing folder is fine. */
  listen(roots: readonly string[], listener: EventListener): Promise<void>;
  close(): Promise<void>;
}

export interface EventListener {
  /** A file or a folder may have changed. */
  readonly onPath: (path: string) => void;
  /** Nobody needs events for this path, or anything below it. */
  readonly ignores?: (path: string) => boolean;
  /** Events are unavailable altogether, e.g. because the machine's limit is reached. */
  readonly onTrouble: (error: Error) => void;
}

/** No events at all: the sweep alone (`--poll`). */
export const noEvents: FileEvents = {
  listen: async () => undefined,
  close: async () => undefined,
};

/** Ends events for everything; any other error concerns one folder, which the sweep covers anyway. */
const exhausted = new Set(['ENOSPC', 'EMFILE', 'ENFILE', 'ENOMEM']);

/**
 * chokidar on folders only, with its raw events: one inotify watch per folder instead of one per file (501 instead of
 * 10,501 for 10,000 transcripts, measured), and no stat per event. Its processed events are not used: versions 3 to 5
 * drop the last change of a burst (chokidar issue 1455). Nor do we wait for `ready`: it never comes if there is
 * nothing to watch, or if watching failed.
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

export function isExhaustion(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && exhausted.has(error.code);
}

function watchedPath(details: unknown): string | undefined {
  if (typeof details !== 'object' || details === null) return undefined;
  const path: unknown = Reflect.get(details, 'watchedPath');
  return typeof path === 'string' ? path : undefined;
}

/** Shown to the user once events are unavailable. */
export class NoFileEvents extends TracecraftError {
  constructor(cause: Error, pollMs: number) {
    super(
      'unsupported',
      `no file events (${cause.message}); checking every ${pollMs / 1000} s instead`,
      {
        hint: 'On Linux, allow more: sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512',
        cause,
      },
    );
  }
}
