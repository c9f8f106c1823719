import { fields, list, word } from '../../../src/conversation/fields.js';
import { parsedLine } from '../../../src/conversation/outline.js';
import { linesIn } from '../../../src/mirror/lines.js';
import type { LayingProblem } from '../../resume.js';

const mark = Buffer.from('hook_deferred_tool');
/** Of a character below 256; those of ASCII that can be printed go on with 2 to 7. */
const spelled = Buffer.from('\\u00');
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

  /** Whole lines, in order. */
  see(lines: Buffer): void {
    if (this.#waiting.size === 0 && !mayDefer(lines)) return;
    for (const line of linesIn(lines)) {
      if (this.#waiting.size > 0 && line.includes(resultMark)) this.#settle(line);
      if (mayDefer(line)) this.#defer(line);
    }
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
    const row = parsedLine(line.toString('utf8'));
    const attachment = fields(fields(row).attachment);
    // A row that only talks about the word is harmless; one that can't be parsed might be read by other eyes.
    const isMeant =
      row === undefined ? line.includes(mark) : attachment.type === 'hook_deferred_tool';
    if (!isMeant) return;
    const named = [attachment.toolUseID, attachment.toolUseId, attachment.tool_use_id]
      .map(word)
      .find((id) => id !== undefined && callId.test(id));
    if (named === undefined) this.#isUnnamed = true;
    else this.#waiting.add(named);
  }

  #settle(line: Buffer): void {
    const row = fields(parsedLine(line.toString('utf8')));
    // What a sub-agent was answered is not part of the conversation.
    if (row.type !== 'user' || row.isSidechain === true) return;
    for (const block of list(fields(row.message).content)) {
      const { type, tool_use_id: id } = fields(block);
      if (type === 'tool_result' && typeof id === 'string') this.#waiting.delete(id);
    }
  }
}

/** Whether the word is in these lines, or may be: JSON can spell any letter as an escape, which no harness does. */
function mayDefer(lines: Buffer): boolean {
  return lines.includes(mark) || hasSpelledLetter(lines);
}

function hasSpelledLetter(lines: Buffer): boolean {
  for (let at = lines.indexOf(spelled); at !== -1; at = lines.indexOf(spelled, at + 1)) {
    const digit = lines[at + spelled.length] ?? 0;
    if (digit >= 0x32 && digit <= 0x37) return true;
  }
  return false;
}
