import { word } from '../../src/conversation/fields.js';
import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact, timeFact } from '../fact-text.js';
import { foldTellingRow } from '../files/row-facts.js';

const telling = /"sessionId"\s*:|"type"\s*:\s*"gemini"/;

/** `folder` is what is noted next to the transcripts: they do not tell where they were started. */
export function foldGeminiRow(
  line: Buffer,
  before: SessionFacts,
  folder: string | undefined,
): SessionFacts {
  return foldTellingRow(line, before, telling, (row) => ({
    cwd: row.startTime === undefined ? undefined : (before.cwd ?? exactFact(folder)),
    startedAt: before.startedAt ?? timeFact(word(row.startTime)),
    model: row.type === 'gemini' ? exactFact(word(row.model)) : undefined,
  }));
}
