import { type Alphabet, backslash, isIn, runStart, word } from '../alphabet.js';
import { isAfterEscape, isFreeOnLeft } from '../boundary.js';
import type { Detector, Trigger } from '../detector.js';
import { isInsideBlob, isRandom, isWordy } from '../entropy.js';
import { leadingSets, type Tail, tailOf } from '../expressions/expression.js';
import { parseExpression } from '../expressions/parser.js';
import { isPlaceholder, isReference } from '../placeholders.js';
import type { Rule } from '../rule.js';
import { type Match, type ScanContext, weights } from '../scan-context.js';

const leadingLength = 24;
const longestLead = 80;
const longestJudged = 512;

/** A rule's detectors, one for each of its anchors. */
export function tokenTriggers(rule: Rule): readonly Trigger[] {
  const compiled = compile(rule);
  return rule.anchors.map((literal) => ({
    literal,
    detector: new TokenDetector(compiled, literal.length),
  }));
}

interface CompiledRule {
  readonly rule: Rule;
  readonly expression: RegExp;
  readonly leading: readonly Alphabet[];
  readonly tail: Tail | undefined;
  readonly hasSecretGroup: boolean;
}

function compile(rule: Rule): CompiledRule {
  const { source } = rule.shape;
  const structure = parseExpression(source);
  const hasSecretGroup = source.includes('(?<secret>');
  const tail = tailOf(structure);
  return {
    rule,
    expression: new RegExp(withShortTail(source, tail), hasSecretGroup ? 'dy' : 'y'),
    leading: leadingSets(structure, leadingLength),
    tail,
    hasSecretGroup,
  };
}

/** The end of an open run is looked up, and remembered, rather than matched again from every anchor in it. */
function withShortTail(source: string, tail: Tail | undefined): string {
  if (tail === undefined || !tail.isOpen) return source;
  const { least, start, end } = tail.repeat;
  return `${source.slice(0, start)}{${least}}${source.slice(end)}`;
}

class TokenDetector implements Detector {
  readonly #rule: Rule;
  readonly #expression: RegExp;
  readonly #leading: readonly Alphabet[];
  readonly #tail: Tail | undefined;
  readonly #hasSecretGroup: boolean;
  readonly #weight: number;
  readonly #anchorLength: number;

  constructor(compiled: CompiledRule, anchorLength: number) {
    this.#rule = compiled.rule;
    this.#expression = compiled.expression;
    this.#leading = compiled.leading;
    this.#tail = compiled.tail;
    this.#hasSecretGroup = compiled.hasSecretGroup;
    this.#anchorLength = anchorLength;
    this.#weight = compiled.hasSecretGroup ? weights.context : weights.shape + anchorLength;
  }

  isWorthwhile(bytes: Buffer, at: number): boolean {
    const start = this.#startOf(bytes, at);
    if (start < 0) return false;
    if (start < at && bytes.subarray(start, at).includes(backslash)) return true;
    for (let offset = 0; offset < this.#leading.length; offset += 1) {
      const byte = bytes[start + offset] ?? 0;
      if (byte === backslash) break;
      if (this.#leading[offset]?.[byte] !== 1) return false;
    }
    return this.#isFree(bytes, start);
  }

  detect(context: ScanContext, at: number): void {
    const { bytes } = context;
    const match = context.match(this.#expression, this.#startOf(bytes, at));
    if (match === undefined) return;
    const secretEnd = this.#endOf(context, match);
    if (secretEnd === undefined) return;
    const { secretStart } = match;
    const judgedEnd = Math.min(secretEnd, secretStart + longestJudged);
    context.charge(4 + ((judgedEnd - secretStart) >> 4));
    if (!this.#isGenuine(context.text(secretStart, judgedEnd))) return;
    if (isInsideBlob(bytes, match.start, Math.max(match.end, secretEnd))) return;
    context.add(secretStart, secretEnd, this.#rule.kind, this.#weight);
  }

  #startOf(bytes: Buffer, at: number): number {
    const lead = this.#rule.lead ?? 0;
    if (typeof lead === 'number') return at - lead;
    const start = runStart(bytes, at, lead, at - longestLead);
    const isEscape = bytes[start - 1] === 0x75 && bytes[start - 2] === backslash;
    return isEscape ? start + 4 : start;
  }

  #isFree(bytes: Buffer, start: number): boolean {
    const { notAfter } = this.#rule;
    if (notAfter === undefined) return isFreeOnLeft(bytes, start);
    return !isIn(notAfter, bytes[start - 1]) || isAfterEscape(bytes, start);
  }

  #endOf(context: ScanContext, match: Match): number | undefined {
    if (match.secretEnd !== match.end) return match.secretEnd;
    if (this.#tail?.isOpen) return context.runEnd(match.end, this.#tail.set);
    const after = context.bytes[match.end];
    const isCut = isIn(word, after) || (this.#tail !== undefined && isIn(this.#tail.set, after));
    return isCut ? undefined : match.end;
  }

  #isGenuine(secret: string): boolean {
    const rule = this.#rule;
    if (rule.accepts !== undefined && !rule.accepts(secret)) return false;
    if (rule.evenPlaceholders) return true;
    if (this.#hasSecretGroup) return !isPlaceholder(secret) && !isReference(secret);
    const lead = typeof rule.lead === 'number' ? rule.lead : 0;
    const body = lead > 0 ? secret : secret.slice(this.#anchorLength);
    if (isPlaceholder(body)) return false;
    if (rule.weak) return isRandom(body);
    // So few bytes look like a word by chance.
    return !isWordy(body) || (body.length < 20 && /\d/.test(body));
  }
}
