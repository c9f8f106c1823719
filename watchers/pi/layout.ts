import { join, resolve } from 'node:path';
import type { PathRule } from '../files/path-rules.js';
import type { TreeSettings } from '../files/transcript-tree.js';

const transcript = '\\d{4}-\\d\\d-\\d\\dT[\\d-]{8,16}Z_.{1,128}\\.jsonl';

/**
 * What are sessions in pi's agent folder: by folder they were started in, all in one folder where its user names another,
 * and in the agent folder itself in early releases. Keys lie next to them, so only a transcript's name counts.
 */
export const files: readonly PathRule<'transcript'>[] = [
  { kind: 'transcript', path: `sessions/-.*/${transcript}`, name: '' },
  { kind: 'transcript', path: `sessions/${transcript}`, name: '' },
  { kind: 'transcript', path: transcript, name: '' },
];

export function agentFolder({ env, home }: Pick<TreeSettings, 'env' | 'home'>): string {
  return folderNamed(env.PI_CODING_AGENT_DIR, home) ?? join(home, '.pi', 'agent');
}

/** A folder as its user wrote it; `undefined` for one that depends on where pi was started. */
export function folderNamed(text: unknown, home: string): string | undefined {
  if (typeof text !== 'string') return undefined;
  const path = text.trim().replace(/^~(?=$|[/\\])/, () => home);
  return /^(?:[/\\]|[a-z]:[/\\])/i.test(path) ? resolve(path) : undefined;
}
