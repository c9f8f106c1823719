import type { Reader } from '../src/conversation/reader.js';
import { claudeCodeReader } from './claude-code/conversation.js';
import { codexReader } from './codex/conversation.js';
import { hermesReader } from './hermes/conversation.js';
import { openclawReader } from './openclaw/conversation.js';

/** What reads the transcripts of each harness: pure, so that a browser has them too. */
export const readers: readonly Reader[] = [
  claudeCodeReader,
  codexReader,
  hermesReader,
  openclawReader,
];

/** `undefined` for a harness that nothing is known of. */
export function readerOf(harness: string): Reader | undefined {
  return readers.find((reader) => reader.harness === harness);
}
