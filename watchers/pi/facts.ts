import { type Fields, fields, word } from '../../src/conversation/fields.js';
import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact, timeFact } from '../fact-text.js';
import { type Facts, foldTellingRow } from '../files/row-facts.js';
import { sessionInPath } from './session-path.js';

const telling = /"type"\s*:\s*"(?:session|model_change)"|"role"\s*:\s*"assistant"/;

export function foldPiRow(line: Buffer, before: SessionFacts): SessionFacts {
  return foldTellingRow(line, before, telling, factsOf);
}

function factsOf(row: Fields, before: SessionFacts): Facts {
  if (row.type === 'session') {
    return {
      cwd: before.cwd ?? exactFact(word(row.cwd)),
      startedAt: before.startedAt ?? timeFact(word(row.timestamp)),
      parentSessionId: before.parentSessionId ?? exactFact(sessionInPath(row.parentSession)),
    };
  }
  const message = fields(row.message);
  const model = message.role === 'assistant' ? message.model : row.modelId;
  return { model: exactFact(word(model)) };
}
