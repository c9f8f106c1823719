import type { ObjectEntry } from '../../bucket/bucket.js';
import { parsePartName, rangeTag } from '../../protocol/parts.js';

/** A part whose name contains both its ends. */
export interface RangePart {
  readonly name: string;
  readonly sequence: number;
  readonly startLine: number;
  readonly endLine: number;
  readonly entry: ObjectEntry;
}

/** The most lines in such a part, so that its end can be found by trying. */
export const mostRangeLines = 4_096;

interface Step {
  readonly part: RangePart;
  readonly before: Step | undefined;
}

/**
 * The chain of parts from a sequence number and a line on. Two writers, or one that lost its state during a request,
 * leave parts that overlap; each writer's own parts still join without a gap, so the longest path contains everything.
 */
export function rangePath(
  parts: ReadonlyMap<string, ObjectEntry>,
  generation: number,
  sequence: number,
  startLine: number,
): readonly RangePart[] {
  const bySequence = grouped(parts);
  let ends = new Map<number, Step | undefined>([[startLine, undefined]]);
  let furthest: Step | undefined;
  for (let next = sequence; ends.size > 0; next += 1) {
    const reached = new Map<number, Step | undefined>();
    for (const { name, tag, entry } of bySequence.get(next) ?? []) {
      for (const [start, before] of ends) {
        const endLine = endOf(tag, generation, start, entry.size);
        if (endLine === undefined) continue;
        const step: Step = {
          part: { name, sequence: next, startLine: start, endLine, entry },
          before,
        };
        reached.set(endLine, step);
        if (endLine > (furthest?.part.endLine ?? startLine)) furthest = step;
      }
    }
    ends = reached;
  }
  const path: RangePart[] = [];
  for (let at = furthest; at !== undefined; at = at.before) path.unshift(at.part);
  return path;
}

interface Named {
  readonly name: string;
  readonly tag: string;
  readonly entry: ObjectEntry;
}

function grouped(parts: ReadonlyMap<string, ObjectEntry>): ReadonlyMap<number, Named[]> {
  const groups = new Map<number, Named[]>();
  for (const [name, entry] of parts) {
    const parsed = parsePartName(name);
    if (parsed === undefined) continue;
    const group = groups.get(parsed.sequence) ?? [];
    group.push({ name, tag: parsed.tag, entry });
    groups.set(parsed.sequence, group);
  }
  return groups;
}

/** A line is at least its newline. */
function endOf(tag: string, generation: number, start: number, bytes: number): number | undefined {
  const most = start + Math.min(bytes, mostRangeLines);
  for (let end = start + 1; end <= most; end += 1) {
    if (rangeTag(generation, start, end) === tag) return end;
  }
  return undefined;
}
