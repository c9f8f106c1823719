import type { Reader } from '../src/conversation/reader.js';
import { claudeCodeReader } from './claude-code/conversation.js';
import { codexReader } from './codex/conversation.js';
import { copilotReader } from './copilot/conversation.js';
import { geminiCliReader } from './gemini-cli/conversation.js';
import { hermesReader } from './hermes/conversation.js';
import { kimiCodeReader } from './kimi-code/conversation.js';
import { openclawReader } from './openclaw/conversation.js';
import { openCodeReader } from './opencode/conversation.js';
import { piReader } from './pi/conversation.js';
import { qwenCodeReader } from './qwen-code/conversation.js';

/** What reads each harness's transcripts: pure, so that it also runs in a browser. */
export const readers: readonly Reader[] = [
  claudeCodeReader,
  codexReader,
  hermesReader,
  openclawReader,
  piReader,
  qwenCodeReader,
  copilotReader,
  kimiCodeReader,
  geminiCliReader,
  openCodeReader,
];

/** `undefined` for an unknown harness. */
export function readerOf(harness: string): Reader | undefined {
  return readers.find((reader) => reader.harness === harness);
}
