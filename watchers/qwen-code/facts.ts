import { fields, word } from '../../src/conversation/fields.js';
import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact, timeFact } from '../fact-text.js';
import { foldTellingRow } from '../files/row-facts.js';

const telling = /"type"\s*:\s*"(?:user|assistant)"/;

export function foldQwenRow(line: Buffer, before: SessionFacts): SessionFacts {
  return foldTellingRow(line, before, telling, (row) => ({
    cwd: before.cwd ?? exactFact(word(row.cwd)),
    startedAt: before.startedAt ?? timeFact(word(row.timestamp)),
    gitBranch: exactFact(word(row.gitBranch)),
    harnessVersion: exactFact(word(row.version)),
    model: exactFact(word(row.model)),
    parentSessionId: exactFact(word(fields(row.forkedFrom).sessionId)),
  }));
}

/** The kind of a sub-agent, from the note next to its transcript. */
export function foldQwenAgent(line: Buffer, before: SessionFacts): SessionFacts {
  return foldTellingRow(line, before, /^\{/, (note) => ({
    agentType: exactFact(word(note.agentType) ?? word(note.agentName)),
  }));
}
