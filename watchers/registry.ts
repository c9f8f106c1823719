import type { Clock } from '../src/clock.js';
import type { TracecraftError } from '../src/errors.js';
import type { Io } from '../src/io.js';
import type { Watcher } from '../src/mirror/stream.js';
import { type HarnessName, harnessNames, requireHarness } from './names.js';
import type { HarnessResume } from './resume.js';
import type { HarnessSetup } from './setup.js';

export interface WatcherSettings {
  readonly io: Io;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder. */
  readonly home: string;
  /** Called once for each folder or file that exists but cannot be read; watching continues without it. */
  readonly onUnreadable?: (error: TracecraftError) => void;
}

const watchers: Readonly<Record<HarnessName, (settings: WatcherSettings) => Promise<Watcher>>> = {
  'claude-code': async (settings) => {
    const { ClaudeCodeWatcher } = await import('./claude-code/watcher.js');
    return new ClaudeCodeWatcher(settings);
  },
  codex: async (settings) => {
    const { CodexWatcher } = await import('./codex/watcher.js');
    return new CodexWatcher(settings);
  },
  hermes: async (settings) => {
    const { HermesWatcher } = await import('./hermes/watcher.js');
    return new HermesWatcher(settings);
  },
  openclaw: async (settings) => {
    const { OpenClawWatcher } = await import('./openclaw/watcher.js');
    return new OpenClawWatcher(settings);
  },
  pi: async (settings) => (await import('./pi/watcher.js')).piWatcher(settings),
  'qwen-code': async (settings) =>
    (await import('./qwen-code/watcher.js')).qwenCodeWatcher(settings),
  copilot: async (settings) => (await import('./copilot/watcher.js')).copilotWatcher(settings),
  'kimi-code': async (settings) =>
    (await import('./kimi-code/watcher.js')).kimiCodeWatcher(settings),
  'gemini-cli': async (settings) =>
    (await import('./gemini-cli/watcher.js')).geminiCliWatcher(settings),
  opencode: async (settings) => {
    const { OpenCodeWatcher } = await import('./opencode/watcher.js');
    return new OpenCodeWatcher(settings);
  },
};

const setups: Readonly<Record<HarnessName, () => Promise<HarnessSetup>>> = {
  'claude-code': async () => (await import('./claude-code/setup.js')).claudeCodeSetup,
  codex: async () => (await import('./codex/setup.js')).codexSetup,
  hermes: async () => (await import('./hermes/setup.js')).hermesSetup,
  openclaw: async () => (await import('./openclaw/setup.js')).openClawSetup,
  pi: async () => (await import('./pi/setup.js')).piSetup,
  'qwen-code': async () => (await import('./qwen-code/setup.js')).qwenCodeSetup,
  copilot: async () => (await import('./copilot/setup.js')).copilotSetup,
  'kimi-code': async () => (await import('./kimi-code/setup.js')).kimiCodeSetup,
  'gemini-cli': async () => (await import('./gemini-cli/setup.js')).geminiCliSetup,
  opencode: async () => (await import('./opencode/setup.js')).openCodeSetup,
};

const resumes: Readonly<Record<HarnessName, () => Promise<HarnessResume>>> = {
  'claude-code': async () => (await import('./claude-code/resume.js')).claudeCodeResume,
  codex: async () => (await import('./codex/resume.js')).codexResume,
  hermes: async () => (await import('./hermes/resume.js')).hermesResume,
  openclaw: async () => (await import('./openclaw/resume.js')).openClawResume,
  pi: async () => (await import('./pi/resume.js')).piResume,
  'qwen-code': async () => (await import('./qwen-code/resume.js')).qwenCodeResume,
  copilot: async () => (await import('./copilot/resume.js')).copilotResume,
  'kimi-code': async () => (await import('./kimi-code/resume.js')).kimiCodeResume,
  'gemini-cli': async () => (await import('./gemini-cli/resume.js')).geminiCliResume,
  opencode: async () => (await import('./opencode/resume.js')).openCodeResume,
};

/**
 * The watchers of these harnesses, or of all, whether or not they are on this machine. Throws a `UsageError` for an
 * unknown name.
 */
export async function createWatchers(
  settings: WatcherSettings,
  wanted: readonly string[] = harnessNames,
): Promise<readonly Watcher[]> {
  const names = harnessNames.filter((name) => wanted.includes(name));
  for (const name of wanted) requireHarness(name);
  return Promise.all(names.map((name) => watchers[name](settings)));
}

/** Throws a `UsageError` for an unknown name. */
export async function loadSetup(harness: string): Promise<HarnessSetup> {
  return setups[requireHarness(harness).name]();
}

/** How its sessions are laid back. Throws a `UsageError` for an unknown name. */
export async function loadResume(harness: string): Promise<HarnessResume> {
  return resumes[requireHarness(harness).name]();
}
