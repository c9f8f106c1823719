import { fields, finite, word } from '../../src/conversation/fields.js';
import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact } from '../fact-text.js';
import { foldTellingRow } from '../files/row-facts.js';

const telling = /^\{"op":"(?:insert|update)","table":"session",/;

/** What a state of a session's row says. */
export function foldOpenCodeLine(line: Buffer, before: SessionFacts): SessionFacts {
  return foldTellingRow(line, before, telling, (row) => ({
    cwd: before.cwd ?? exactFact(word(row.directory)),
    model: exactFact(word(fields(row.model).id)),
    harnessVersion: exactFact(word(row.version)),
    parentSessionId: exactFact(word(row.parent_id)),
    startedAt: timeOf(row.time_created),
  }));
}

function timeOf(ms: unknown): string | undefined {
  const time = new Date(finite(ms) ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
