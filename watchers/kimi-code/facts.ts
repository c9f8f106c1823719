import { type Fields, fields, finite, word } from '../../src/conversation/fields.js';
import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact, titleFact } from '../fact-text.js';
import { type Facts, foldTellingRow, withFacts } from '../files/row-facts.js';

const telling = /"type"\s*:\s*"(?:metadata|profile\.bind|llm\.request)"/;

export function foldKimiRow(line: Buffer, before: SessionFacts): SessionFacts {
  return foldTellingRow(line, before, telling, (row): Facts => {
    if (row.type === 'metadata') return { startedAt: before.startedAt ?? timeOf(row.created_at) };
    const { cwd } = fields(row.environmentDisclosure);
    return {
      cwd: before.cwd ?? exactFact(word(cwd)),
      model: exactFact(word(row.model) ?? word(row.modelAlias)),
    };
  });
}

/** What `state.json` says. */
export function factsOfState(text: string): SessionFacts {
  const state: Fields = fields(JSON.parse(text));
  const named = titleFact(word(state.title) ?? '');
  return withFacts(
    {},
    {
      cwd: exactFact(word(state.cwd)),
      named: named === '' ? undefined : named,
      startedAt: timeOf(state.createdAt),
      parentSessionId: exactFact(
        word(state.forkedFrom) ?? word(fields(state.forkedFrom).sessionId),
      ),
    },
  );
}

function timeOf(ms: unknown): string | undefined {
  const time = new Date(finite(ms) ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
