import { UsageError } from '../../errors.js';
import { shortestAnchor } from '../anchors.js';
import type { Detector, Trigger } from '../detector.js';
import {
  type Expression,
  ExpressionError,
  literalStart,
  type RepeatNode,
  repeatsOf,
  widthOf,
} from '../expressions/expression.js';
import { parseExpression } from '../expressions/parser.js';
import { probe } from '../expressions/probe.js';
import { reach, type ScanContext, weights } from '../scan-context.js';

/** A kind of secret defined by the user. */
export interface UserPattern {
  /** `[a-z0-9-]+`, not one of the built-in kinds. */
  readonly kind: string;
  /**
   * A regular expression in JavaScript's syntax, without flags. A group named `secret` narrows what is replaced. Fastest when
   * it begins with three fixed characters; unbounded quantifiers are read as "up to 1,024".
   */
  readonly pattern: string;
}

/** A pattern that contains no literal to search for, so every text is searched from end to end. */
export interface WholeTextDetector {
  detect(context: ScanContext): void;
}

export interface UserDetectors {
  readonly triggers: readonly Trigger[];
  readonly wholeText: readonly WholeTextDetector[];
}

const bound = 1024;

/**
 * Throws a `UsageError` that names the pattern if it is not understood, not bounded enough, too
 * slow, or matches nothing at all.
 */
export function userDetectors(patterns: readonly UserPattern[]): UserDetectors {
  const triggers: Trigger[] = [];
  const wholeText: WholeTextDetector[] = [];
  for (const pattern of patterns) {
    const { source, structure } = checked(pattern);
    const literal = literalStart(structure);
    if (literal.length >= shortestAnchor)
      triggers.push({ literal, detector: anchored(pattern.kind, source) });
    else wholeText.push(searching(pattern.kind, source));
  }
  return { triggers, wholeText };
}

function checked(pattern: UserPattern): { source: string; structure: Expression } {
  const fail = (reason: string): never => {
    throw new UsageError(`redaction pattern "${pattern.kind}" ${reason}`, {
      hint: `Change or remove the pattern ${pattern.pattern}`,
    });
  };
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(pattern.kind)) fail('needs a name of a-z, 0-9 and -');
  const structure = structureOf(pattern.pattern, fail);
  const source = bounded(pattern.pattern, repeatsOf(structure));
  if (widthOf(structure).least < 4) fail('may match fewer than four bytes');
  if (hasNestedRepeats(structure)) fail('nests one repetition in another, which can take forever');
  if (widthOf(parseExpression(source)).most > reach) fail(`may match more than ${reach} bytes`);
  if (!probe(source)) fail('takes too long on text crafted to slow it down');
  return { source, structure };
}

function structureOf(source: string, fail: (reason: string) => never): Expression {
  try {
    new RegExp(source, 'dy');
    return parseExpression(source);
  } catch (error) {
    return fail(error instanceof ExpressionError ? error.message : 'is not a regular expression');
  }
}

/** The source, with an upper bound for every unbounded quantifier. */
function bounded(source: string, repeats: readonly RepeatNode[]): string {
  return [...repeats]
    .filter((repeat) => !Number.isFinite(repeat.most))
    .sort((a, b) => b.start - a.start)
    .reduce((text, repeat) => {
      const most = Math.max(bound, repeat.least);
      return `${text.slice(0, repeat.start)}{${repeat.least},${most}}${text.slice(repeat.end)}`;
    }, source);
}

function hasNestedRepeats(structure: Expression): boolean {
  const isVariable = (repeat: RepeatNode): boolean =>
    repeat.least !== repeat.most && repeat.most > 8;
  return repeatsOf(structure).some(
    (outer) => outer.most > 8 && repeatsOf(outer.item).some(isVariable),
  );
}

function anchored(kind: string, source: string): Detector {
  const expression = new RegExp(source, 'dy');
  return {
    isWorthwhile: () => true,
    detect(context, at) {
      const found = context.match(expression, at);
      if (found !== undefined) context.add(found.secretStart, found.secretEnd, kind, weights.user);
    },
  };
}

function searching(kind: string, source: string): WholeTextDetector {
  const expression = new RegExp(source, 'dg');
  return {
    detect(context) {
      for (const found of context.search(expression)) {
        context.add(found.secretStart, found.secretEnd, kind, weights.user);
      }
    },
  };
}
