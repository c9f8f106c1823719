import { wordOf } from '../timeline/entry.js';
import type { Entries } from './entries.js';

/** Maximum length of a label next to a mark. */
const longest = 30;

/** The label next to a mark: the first words of text people write; for anything else, what it is. */
export function labelOf(entries: Entries, entry: number): string {
  const type = entries.type(entry);
  const text = entries.text(entry);
  switch (type) {
    case 'agent.registered':
      return '';
    case 'message.sent':
    case 'message.broadcast':
      return cut(text.replace(/^→ [^:]*: /, ''));
    case 'memory.set':
      return cut(text.split(' = ')[0] ?? text);
    case 'artifact.uploaded':
      return cut(text.replace(/ \(\d+ bytes\)$/, '').replace(/^.*\//, ''));
    case 'step.claim_rejected':
      return cut(`refused: ${text}`);
    default:
      return wordOf(type);
  }
}

function cut(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= longest ? line : `${line.slice(0, longest - 1).trimEnd()}…`;
}

/** How the last turn of a session ended. */
export const stateWords = {
  done: 'done',
  interrupted: 'interrupted',
  failed: 'failed',
  open: 'unfinished',
} as const;
