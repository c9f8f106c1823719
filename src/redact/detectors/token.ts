import { type Alphabet, backslash, isIn, runStart, word } from '../alphabet.js';
import {
  isAfterDiffMark,
  isAfterEscape,
  isFreeOnLeft,
  isJoinedOnLeft,
  isJoinedOnRight,
  isJoinedToName,
} from '../boundary.js';
import type { Detector, Trigger } from '../detector.js';
import { isDense, isInsideBlob, isRandom, isWordy } from '../entropy.js';
import { leadingSets, sightOf, type Tail, tailOf } from '../expressions/expression.js';
import { parseExpression } from '../expressions/parser.js';
import { isPlaceholder, isReference } from '../placeholders.js';
import type { Rule } from '../rule.js';
import { type Match, type ScanContext, weights } from '../scan-context.js';

const leadingLength = 24;
const longestLead = 80;
const longestJudged = 512;
/** A shape that includes what surrounds the secret may look far in both directions. */
const surroundingsUnits = 3;
/** What remains of a colour code behind its bracket. */
const longestEscape = 12;

/** Adds a rule's detectors, one per anchor. */
export function addTokenTriggers(triggers: Trigger[], rule: Rule): void {
  const matcher = new RuleMatcher(rule);
  for (const literal of rule.anchors) {
    triggers.push({ literal, detector: new TokenDetector(matcher, literal.length) });
  }
}

/**
 * What a rule's shape implies. Parsed when the first of its anchors turns up: most rules never need
 * it.
 */
class RuleMatcher {
  readonly rule: Rule;
  #compiled: Compiled | undefined;

  constructor(rule: Rule) {
    this.rule = rule;
  }

  get compiled(): Compiled {
    this.#compiled ??= compile(this.rule.shape.source);
    return this.#compiled;
  }
}

interface Compiled {
  readonly hasSecretGroup: boolean;
  readonly expression: RegExp;
  readonly leading: readonly Alphabet[];
  readonly tail: Tail | undefined;
  /** How far the expression may look. */
  readonly sight: number;
}

function compile(source: string): Compiled {
  const hasSecretGroup = source.includes('(?<secret>');
  const structure = parseExpression(source);
  const tail = tailOf(structure);
  return {
    hasSecretGroup,
    expression: new RegExp(withShortTail(source, tail), hasSecretGroup ? 'dy' : 'y'),
    leading: leadingSets(structure, leadingLength),
    tail,
    sight: sightOf(structure),
  };
}

/**
 * The end of an open run is looked up in a cache rather than matched again from every anchor in it.
 */
function withShortTail(source: string, tail: Tail | undefined): string {
  if (tail === undefined || !tail.isOpen) return source;
  const { least, start, end } = tail.repeat;
  return `${source.slice(0, start)}{${least}}${source.slice(end)}`;
}

/** The letters of an escape or a colour code in front belong to the run by their bytes only. */
function afterEscape(bytes: Buffer, start: number, end: number): number {
  const last = Math.min(end, start + longestEscape);
  for (let at = start; at < last; at += 1) if (isAfterEscape(bytes, at)) return at;
  return start;
}

class TokenDetector implements Detector {
  readonly #matcher: RuleMatcher;
  readonly #rule: Rule;
  readonly #anchorLength: number;

  constructor(matcher: RuleMatcher, anchorLength: number) {
    this.#matcher = matcher;
    this.#rule = matcher.rule;
    this.#anchorLength = anchorLength;
  }

  get #weight(): number {
    return this.#matcher.compiled.hasSecretGroup
      ? weights.context
      : weights.shape + this.#anchorLength;
  }

  isWorthwhile(bytes: Buffer, at: number): boolean {
    const start = this.#startOf(bytes, at);
    if (start < 0) return false;
    const { leading } = this.#matcher.compiled;
    for (let before = start; before < at; before += 1) if (bytes[before] === backslash) return true;
    for (let offset = 0; offset < leading.length; offset += 1) {
      const byte = bytes[start + offset] ?? 0;
      if (byte === backslash) break;
      if (leading[offset]?.[byte] !== 1) return false;
    }
    return this.#isFree(bytes, start) || this.#mayBeJoined(bytes, start);
  }

  detect(context: ScanContext, at: number): void {
    const { bytes } = context;
    const start = this.#startOf(bytes, at);
    const { expression, hasSecretGroup, sight } = this.#matcher.compiled;
    if (hasSecretGroup) context.charge(surroundingsUnits);
    const match = context.match(expression, start, sight);
    if (match === undefined) return;
    const secretEnd = this.#endOf(context, match);
    if (secretEnd === undefined) return;
    const { secretStart } = match;
    const judgedEnd = Math.min(secretEnd, secretStart + longestJudged);
    context.charge(4 + ((judgedEnd - secretStart) >> 4));
    const secret = context.text(secretStart, judgedEnd);
    if (!this.#isGenuine(secret)) return;
    if (this.#rule.weak && !this.#isFree(bytes, start)) {
      if (!isDense(secret) || !isJoinedToName(bytes, start)) return;
    }
    if (isInsideBlob(bytes, match.start, Math.max(match.end, secretEnd))) return;
    context.add(secretStart, secretEnd, this.#rule.kind, this.#weight);
  }

  #startOf(bytes: Buffer, at: number): number {
    const lead = this.#rule.lead ?? 0;
    if (typeof lead === 'number') return at - lead;
    const start = runStart(bytes, at, lead, at - longestLead);
    const isEscape = bytes[start - 1] === 0x75 && bytes[start - 2] === backslash;
    return isEscape ? start + 4 : afterEscape(bytes, start, at);
  }

  #isFree(bytes: Buffer, start: number): boolean {
    const { notAfter } = this.#rule;
    if (notAfter === undefined) return isFreeOnLeft(bytes, start);
    if (!isIn(notAfter, bytes[start - 1])) return true;
    return isAfterEscape(bytes, start) || isAfterDiffMark(bytes, start);
  }

  #mayBeJoined(bytes: Buffer, start: number): boolean {
    if (this.#rule.isWord || this.#rule.notAfter !== undefined) return false;
    return isJoinedOnLeft(bytes, start);
  }

  #endOf(context: ScanContext, match: Match): number | undefined {
    if (match.secretEnd !== match.end) return match.secretEnd;
    const { tail } = this.#matcher.compiled;
    if (tail?.isOpen) {
      const end = context.runEnd(match.end, tail.set);
      const { least, most } = tail.repeat;
      // After a weak anchor, a longer run is something else.
      const isTooLong =
        this.#rule.weak && this.#anchorLength <= 4 && end - match.end > most - least;
      return isTooLong ? undefined : end;
    }
    const after = context.bytes[match.end];
    const isCut = isIn(word, after) || (tail !== undefined && isIn(tail.set, after));
    return isCut && !isJoinedOnRight(context.bytes, match.end) ? undefined : match.end;
  }

  #isGenuine(secret: string): boolean {
    const rule = this.#rule;
    if (rule.accepts !== undefined && !rule.accepts(secret)) return false;
    if (rule.evenPlaceholders) return true;
    if (this.#matcher.compiled.hasSecretGroup)
      return !isPlaceholder(secret) && !isReference(secret);
    const lead = typeof rule.lead === 'number' ? rule.lead : 0;
    const body = lead > 0 ? secret : secret.slice(this.#anchorLength);
    if (isPlaceholder(body)) return false;
    if (rule.weak) return isRandom(body);
    // So few bytes can look like a word by chance.
    return !isWordy(body) || (body.length < 20 && /\d/.test(body));
  }
}
