import { fields, list, word } from '../../../src/conversation/fields.js';
import type { LayingProblem } from '../../resume.js';
import { parsedRow } from './row.js';

const mark = Buffer.from('hook_deferred_tool');
const resultMark = Buffer.from('"tool_result"');
const callId = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * Tool calls that a hook put off and that have no result yet: Claude Code runs them on resume, before it asks the model
 * or the user, wherever permissions allow it.
 */
export class DeferredCalls {
  readonly #waiting = new Set<string>();
  /** One that does not say which call it is can't be seen to have ended. */
  #isUnnamed = false;

  see(line: Buffer): void {
    if (this.#waiting.size > 0 && line.includes(resultMark)) this.#settle(line);
    if (line.includes(mark)) this.#defer(line);
  }

  problem(): LayingProblem | undefined {
    if (this.#waiting.size === 0 && !this.#isUnnamed) return undefined;
    return {
      kind: 'unsafe',
      text: 'it has a deferred tool call without a result, which resuming would run unasked',
      hint: 'Restore it with --as-new, which leaves such calls out.',
    };
  }

  #defer(line: Buffer): void {
    const row = parsedRow(line);
    const attachment = fields(fields(row).attachment);
    // A row that only talks about the word is harmless; one that can't be parsed might be read by other eyes.
    if (row !== undefined && attachment.type !== 'hook_deferred_tool') return;
    const named = [attachment.toolUseID, attachment.toolUseId, attachment.tool_use_id]
      .map(word)
      .find((id) => id !== undefined && callId.test(id));
    if (named === undefined) this.#isUnnamed = true;
    else this.#waiting.add(named);
  }

  #settle(line: Buffer): void {
    for (const block of list(fields(fields(parsedRow(line)).message).content)) {
      const { type, tool_use_id: id } = fields(block);
      if (type === 'tool_result' && typeof id === 'string') this.#waiting.delete(id);
    }
  }
}
