import type { Verdict } from '../mirror/slots/verify.js';
import { formatCount } from './format.js';
import { columns } from './output.js';
import { rowLines, wrapped } from './table.js';

export interface NamedVerdict
  extends Pick<Verdict, 'state' | 'shippedLines' | 'sourceLines' | 'problem'> {
  /** `harness/session`, and the stream if it is not the session's own. */
  readonly name: string;
}

const layout = [{}, { isName: true }, {}] as const;

/** A row per stream. At a terminal none is wider than it, and what is wrong is said in full below the rows. */
export function verdictLines(verdicts: readonly NamedVerdict[], width: number): readonly string[] {
  if (!Number.isFinite(width)) {
    return columns(verdicts.map((one) => [...rowOf(one), one.problem ?? '']));
  }
  const problems = verdicts.flatMap(({ name, problem }) =>
    problem === null ? [] : wrapped(`${name}: ${problem}`, width, '  '),
  );
  return [...rowLines(layout, verdicts.map(rowOf), width), ...problems];
}

function rowOf({ state, name, shippedLines, sourceLines }: NamedVerdict): readonly string[] {
  return [state, name, `${formatCount(shippedLines)} of ${formatCount(sourceLines)} lines`];
}
