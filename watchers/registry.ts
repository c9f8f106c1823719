import type { Clock } from '../src/clock.js';
import type { TracecraftError } from '../src/errors.js';
import type { Io } from '../src/io.js';
import type { Watcher } from '../src/mirror/stream.js';
import { ClaudeCodeWatcher } from './claude-code/watcher.js';
import { CodexWatcher } from './codex/watcher.js';
import { HermesWatcher } from './hermes/watcher.js';
import { OpenClawWatcher } from './openclaw/watcher.js';

export interface WatcherSettings {
  readonly io: Io;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder. */
  readonly home: string;
  /** Told once of each folder or file that exists and cannot be read; watching goes on without it. */
  readonly onUnreadable?: (error: TracecraftError) => void;
}

/** Every harness that can be watched, whether it is on this machine or not. */
export function createWatchers(settings: WatcherSettings): readonly Watcher[] {
  return [
    new ClaudeCodeWatcher(settings),
    new CodexWatcher(settings),
    new HermesWatcher(settings),
    new OpenClawWatcher(settings),
  ];
}
