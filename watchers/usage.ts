import type { UsageReader } from '../src/conversation/usage.js';
import { claudeCodeUsage } from './claude-code/usage.js';
import { codexUsage } from './codex/usage.js';
import { copilotUsage } from './copilot/usage.js';
import { geminiCliUsage } from './gemini-cli/usage.js';
import { hermesUsage } from './hermes/usage.js';
import { kimiCodeUsage } from './kimi-code/usage.js';
import { openclawUsage } from './openclaw/usage.js';
import { opencodeUsage } from './opencode/usage.js';
import { piUsage } from './pi/usage.js';
import { qwenCodeUsage } from './qwen-code/usage.js';

/** What reads the tokens in each harness's rows. */
export const usageReaders: readonly UsageReader[] = [
  claudeCodeUsage,
  codexUsage,
  copilotUsage,
  geminiCliUsage,
  hermesUsage,
  kimiCodeUsage,
  openclawUsage,
  opencodeUsage,
  piUsage,
  qwenCodeUsage,
];

/** `undefined` for a harness whose transcripts tell no tokens. */
export function usageReaderOf(harness: string): UsageReader | undefined {
  return usageReaders.find((reader) => reader.harness === harness);
}
