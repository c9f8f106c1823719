import { createHash } from 'node:crypto';
import { UsageError } from '../errors.js';
import { builtInCount, builtInLiterals } from './built-in-literals.js';
import { type BuiltInWatch, builtInWatch } from './built-in-watch.js';
import type { Detector } from './detector.js';
import { literalTriggers } from './detectors/literal.js';
import {
  type UserPattern,
  userDetectors,
  type WholeTextDetector,
} from './detectors/user-pattern.js';
import { type Allowance, LineScan } from './line-scan.js';
import { LiteralSearch } from './literal-search.js';
import { plainView } from './plain-view.js';
import type { Redaction, Redactor } from './redact.js';
import { countMarkers } from './redaction-match.js';
import { alwaysOn, commandLineRules, kinds, namedRules, rules } from './rules.js';
import type { DecodedScan, Span } from './scan-context.js';
import { normalizeSpans, replace } from './spans.js';
import type { ViewTrigger } from './view-triggers.js';
import type { Watched } from './watch-groups.js';

export interface RedactorOptions {
  /** Exact values that are never replaced. */
  readonly allow?: readonly string[];
  readonly extraPatterns?: readonly UserPattern[];
  /** Kinds to leave alone; `known` and `budget` cannot be switched off. */
  readonly disabledKinds?: readonly string[];
  /** Replaced wherever they appear, as kind `known`; shorter than 8 bytes or plain words are ignored. Kept in memory only. */
  readonly knownSecrets?: readonly string[];
  /** Work units per line, whatever its length; a unit is about a microsecond at worst. Default: 30,000 and 0.4 per byte. */
  readonly allowance?: number;
}

/** Part of the version; increased when a change of code alone may change the result. */
const revision = 6;
const defaultAllowance: Allowance = { units: 30_000, unitsPerByte: 0.4, unitsPerText: 200_000 };
/**
 * A second pass finds nothing new, except what the first uncovered; the limit is never reached in
 * practice.
 */
const mostPasses = 4;
/** Base64 in base64 in base64 is decoded, but nothing deeper. */
const deepestEncoding = 3;

/** Throws `UsageError` for a kind that does not exist or a pattern that cannot be used. */
export function createRedactor(options: RedactorOptions = {}): Redactor {
  const disabled = new Set(options.disabledKinds ?? []);
  for (const kind of disabled) requireKind(kind, options.extraPatterns ?? []);
  return new Engine(options, disabled);
}

function requireKind(kind: string, patterns: readonly UserPattern[]): void {
  if (alwaysOn.has(kind)) {
    throw new UsageError(`redaction of kind "${kind}" cannot be disabled`);
  }
  if (kinds.has(kind) || patterns.some((pattern) => pattern.kind === kind)) return;
  throw new UsageError(`there is no kind of secret named "${kind}"`, {
    hint: 'Check disabledKinds for a typo.',
  });
}

class Engine implements Redactor {
  readonly #options: RedactorOptions;
  #version: string | undefined;
  readonly #search: LiteralSearch;
  readonly #builtIn: BuiltInWatch;
  /** By literal, whose objects have too many shapes to be read for each hit. */
  readonly #detectorOf: (Detector | undefined)[];
  readonly #viewTriggerOf: (ViewTrigger | undefined)[];
  readonly #wholeText: readonly WholeTextDetector[];
  readonly #disabled: ReadonlySet<string>;
  readonly #allowed: ReadonlySet<string>;
  readonly #allowance: Allowance;

  constructor(options: RedactorOptions, disabled: ReadonlySet<string>) {
    const user = userDetectors(options.extraPatterns ?? []);
    this.#options = options;
    this.#builtIn = builtInWatch(disabled);
    const own = [...user.triggers, ...literalTriggers(options.knownSecrets ?? [])];
    const count = builtInCount + own.length;
    this.#detectorOf = new Array(count).fill(undefined);
    this.#viewTriggerOf = new Array(count).fill(undefined);
    this.#watch(builtInCount, own);
    const ownList = { texts: own.map(({ literal }) => literal), fold: false };
    this.#search = new LiteralSearch([...builtInLiterals, ownList]);
    this.#wholeText = user.wholeText;
    this.#disabled = disabled;
    this.#allowed = new Set(
      (options.allow ?? []).map((value) => Buffer.from(value).toString('latin1')),
    );
    this.#allowance = allowanceOf(options);
  }

  get version(): string {
    this.#version ??= versionOf(this.#options);
    return this.#version;
  }

  redact(line: Buffer): Redaction {
    let bytes = line;
    for (let pass = 0; pass < mostPasses; pass += 1) {
      const spans = this.#spansIn(bytes);
      if (spans.length === 0) break;
      bytes = replace(bytes, spans);
    }
    return { bytes, counts: bytes === line ? undefined : newMarkers(line, bytes) };
  }

  #spansIn(bytes: Buffer): readonly Span[] {
    const found = this.#scan(bytes);
    if (found.length === 0) return found;
    const wanted = found.filter((span) => this.#isWanted(bytes, span));
    return wanted.length === 0 ? wanted : normalizeSpans(bytes, wanted);
  }

  /** What is decoded shares the allowance of the line that it comes from. */
  #scanDecoded(bytes: Buffer, depth: number, units: number): ReturnType<DecodedScan> {
    const { spans, left } = this.#scanForm(bytes, depth, {
      units,
      unitsPerByte: 0,
      unitsPerText: units,
    });
    return { isFound: spans.some((span) => this.#isWanted(bytes, span)), units: units - left };
  }

  #isWanted(bytes: Buffer, span: Span): boolean {
    if (this.#disabled.has(span.kind)) return false;
    if (this.#allowed.size === 0) return true;
    return !this.#allowed.has(bytes.toString('latin1', span.start, span.end));
  }

  /**
   * Spans as positions in `bytes`, not yet normalized: found in the bytes themselves and in what
   * their reader sees.
   */
  #scan(bytes: Buffer): readonly Span[] {
    const { spans, hidesSomething } = this.#scanForm(bytes);
    if (!hidesSomething) return spans;
    const view = plainView(bytes);
    const seen = this.#scanForm(view.bytes).spans.map((span) => ({
      ...span,
      start: view.startOf(span.start),
      end: view.endOf(span.end),
    }));
    return [...spans, ...seen];
  }

  #watch(first: number, watched: readonly Watched[]): void {
    watched.forEach((one, index) => {
      if ('isWorthwhile' in one) this.#viewTriggerOf[first + index] = one;
      else this.#detectorOf[first + index] = one.detector;
    });
  }

  /** Undefined if a view trigger watches the literal. */
  #detectorAt(literal: number): Detector | undefined {
    const known = this.#detectorOf[literal];
    if (known !== undefined || this.#viewTriggerOf[literal] !== undefined) return known;
    const { first, watched } = this.#builtIn.groupOf(literal);
    this.#watch(first, watched);
    return this.#detectorOf[literal];
  }

  #scanForm(bytes: Buffer, depth = 0, allowance = this.#allowance): Scanned {
    const scanDecoded: DecodedScan | undefined =
      depth < deepestEncoding
        ? (decoded, units) => this.#scanDecoded(decoded, depth + 1, units)
        : undefined;
    let lineScan: LineScan | undefined;
    let hidesSomething = false;
    let hidesParts = false;
    const begin = (): LineScan => new LineScan(bytes, allowance, scanDecoded);
    if (this.#wholeText.length > 0) {
      lineScan = begin();
      for (const detector of this.#wholeText) detector.detect(lineScan.context);
    }
    this.#search.scan(bytes, (anchor, start) => {
      const detector = this.#detectorAt(anchor);
      if (detector === undefined) {
        const trigger = this.#viewTriggerOf[anchor];
        if (trigger?.isPartial) hidesParts = true;
        else hidesSomething ||= trigger?.isWorthwhile(bytes, start) ?? false;
      } else if (detector.isWorthwhile(bytes, start)) {
        lineScan ??= begin();
        lineScan.visit(detector, start);
      }
      return false;
    });
    const spans = lineScan?.finish() ?? [];
    hidesSomething ||= hidesParts && lineScan !== undefined;
    return { spans, hidesSomething, left: lineScan?.left ?? allowance.unitsPerText };
  }
}

interface Scanned {
  readonly spans: readonly Span[];
  /** Whether a reader may see more than the bytes show. */
  readonly hidesSomething: boolean;
  /** Of the allowance for the whole text. */
  readonly left: number;
}

/** Markers of `after` that `before` did not contain. */
function newMarkers(before: Buffer, after: Buffer): ReadonlyMap<string, number> {
  const counts = countMarkers(after);
  for (const [kind, count] of countMarkers(before)) {
    const added = (counts.get(kind) ?? 0) - count;
    if (added > 0) counts.set(kind, added);
    else counts.delete(kind);
  }
  return counts;
}

function allowanceOf({ allowance }: RedactorOptions): Allowance {
  if (allowance === undefined) return defaultAllowance;
  return { units: allowance, unitsPerByte: 0, unitsPerText: Number.POSITIVE_INFINITY };
}

/**
 * Distinguishes settings that may redact differently. Known secrets are left out, so that nobody
 * can test guesses against it.
 */
function versionOf(options: RedactorOptions): string {
  const facts = {
    revision,
    rules: rules.map((rule) => [rule.kind, rule.anchors, rule.shape.source]),
    named: namedRules.map((rule) => [rule.kind, rule.name.source, rule.shape.source]),
    commands: commandLineRules.map(({ source, example, ...rule }) => ({
      ...rule,
      needs: rule.needs?.source,
      prefix: rule.prefix?.source,
    })),
    allow: [...(options.allow ?? [])].sort(),
    disabled: [...(options.disabledKinds ?? [])].sort(),
    extra: options.extraPatterns ?? [],
    allowance: allowanceOf(options),
  };
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 12);
}
