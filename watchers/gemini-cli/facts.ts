import { word } from '../../src/conversation/fields.js';
import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact, timeFact } from '../fact-text.js';
import { foldTellingRow, withFacts } from '../files/row-facts.js';

const telling = /"sessionId"\s*:|"type"\s*:\s*"gemini"/;

export function foldGeminiRow(line: Buffer, before: SessionFacts): SessionFacts {
  return foldTellingRow(line, before, telling, (row) => ({
    startedAt: before.startedAt ?? timeFact(word(row.startTime)),
    model: row.type === 'gemini' ? exactFact(word(row.model)) : undefined,
  }));
}

/** `.project_root`, next to the transcripts, which do not tell where they were started. */
export function factsOfProject(text: string): SessionFacts {
  return withFacts({}, { cwd: exactFact(text.trim()) });
}
