import type { Reader } from '../../src/conversation/reader.js';
import { rowByRowReader } from '../../src/conversation/row-by-row.js';
import { readOpenClawRow } from './conversation/rows.js';

/** Rows about how a session runs rather than what is said in it. They are not searched. */
const bookkeeping: ReadonlySet<string> = new Set([
  'label',
  'message',
  'message assistant',
  'message assistant delivery-mirror',
  'message user',
  'model_change',
  'session',
  'session_info',
  'thinking_level_change',
]);

/** OpenClaw's sessions as conversations. */
export const openclawReader: Reader = rowByRowReader('openclaw', {
  read: readOpenClawRow,
  isBookkeeping: (name) => bookkeeping.has(name) || name.startsWith('custom'),
  dropsBeginnings: true,
});
