import { type Fields, fields } from '../../src/conversation/fields.js';
import type { SessionFacts } from '../../src/mirror/stream.js';

export type Facts = { -readonly [Name in keyof SessionFacts]: SessionFacts[Name] | undefined };

/** What makes a row worth parsing is at its start. */
const headBytes = 512;
/** Anything larger is a picture or a long output, which tells nothing of the session. */
const longestRow = 4 << 20;

/**
 * Folds what a row tells into what is known; returns `before` itself if nothing is new. Only rows that `telling`
 * matches near their start are parsed.
 */
export function foldTellingRow(
  line: Buffer,
  before: SessionFacts,
  telling: RegExp,
  tell: (row: Fields, before: SessionFacts) => Facts,
): SessionFacts {
  if (line.length > longestRow || !telling.test(line.toString('latin1', 0, headBytes)))
    return before;
  return withFacts(before, tell(fields(parsed(line)), before));
}

/** With these facts; unknown ones take nothing away. */
export function withFacts(before: SessionFacts, told: Facts): SessionFacts {
  const news = Object.entries(told).filter(
    ([name, fact]) => fact !== undefined && fact !== Reflect.get(before, name),
  );
  return news.length === 0 ? before : { ...before, ...Object.fromEntries(news) };
}

function parsed(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}
