import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { type NamedVerdict, verdictLines } from '../../src/cli/verdict-lines.js';

const session = 'claude-code/fa812bfe-b295-4cca-9c2f-fdf01028cb46';
const problem = 'line 12 is not as it was uploaded, and the parts after it were not compared';
const verdicts: readonly NamedVerdict[] = [
  { state: 'ok', name: session, shippedLines: 1_439, sourceLines: 1_439, problem: null },
  {
    state: 'differs',
    name: `${session}/subagents/workflows/wf_sp01/agent-acompact-70d8e7`,
    shippedLines: 0,
    sourceLines: 1,
    problem,
  },
];

describe('session verify', () => {
  it.each([120, 100, 60, 40])('has no row wider than a terminal of %d columns', (width) => {
    const lines = verdictLines(verdicts, width);
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    const text = lines.join(' ').replace(/\s+/g, ' ');
    expect(text).toContain(problem);
    expect(text).toContain('1,439 of 1,439 lines');
    expect(text).toContain('0 of 1 lines');
  });

  it('has one row per stream, problem included, where there is no terminal', () => {
    const [first = '', second = '', ...others] = verdictLines(verdicts, Number.POSITIVE_INFINITY);
    expect(first).toMatch(/^ok {7}claude-code\/\S+ +1,439 of 1,439 lines$/);
    expect(second).toMatch(/^differs {2}\S+ {2}0 of 1 lines +line 12 is not as it was uploaded/);
    expect(others).toEqual([]);
  });
});
