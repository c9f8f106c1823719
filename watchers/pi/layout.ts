import { join, resolve } from 'node:path';
import type { TreeSettings } from '../files/transcript-tree.js';

/**
 * pi keeps `sessions/--<folder>--/<time>_<id>.jsonl` in its agent folder, early releases in the agent folder itself, and
 * where its user names another folder, all sessions flat in that one. Next to them are keys (`auth.json`,
 * `models.json`, `mcp.json`), so only a transcript's name counts.
 */
const transcript = /^\d{4}-\d\d-\d\dT[\d-]{8,16}Z_[^/]{1,128}\.jsonl$/;

export type PiPath = 'transcript';

export function placeOf(path: readonly string[]): PiPath | undefined {
  return isFolder(path.slice(0, -1)) && transcript.test(path.at(-1) ?? '')
    ? 'transcript'
    : undefined;
}

export function isFolder(path: readonly string[]): boolean {
  const [first, second = '-', ...deeper] = path;
  return (
    first === undefined || (first === 'sessions' && second.startsWith('-') && deeper.length === 0)
  );
}

export function agentFolder({ env, home }: Pick<TreeSettings, 'env' | 'home'>): string {
  return folderNamed(env.PI_CODING_AGENT_DIR, home) ?? join(home, '.pi', 'agent');
}

/** A folder as its user wrote it; `undefined` for one that depends on where pi was started. */
export function folderNamed(text: unknown, home: string): string | undefined {
  if (typeof text !== 'string') return undefined;
  const path = text.trim().replace(/^~(?=$|[/\\])/, () => home);
  return /^(?:[/\\]|[a-z]:[/\\])/i.test(path) ? resolve(path) : undefined;
}
