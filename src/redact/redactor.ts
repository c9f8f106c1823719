import { createHash } from 'node:crypto';
import { UsageError } from '../errors.js';
import { AnchorIndex } from './anchors.js';
import type { Detector, Trigger } from './detector.js';
import { assignmentTriggers } from './detectors/assignment.js';
import { headerTriggers } from './detectors/header.js';
import { jwtTriggers } from './detectors/jwt.js';
import { kubernetesTriggers } from './detectors/kubernetes.js';
import { literalTriggers } from './detectors/literal.js';
import { pemTriggers } from './detectors/pem.js';
import { tokenTriggers } from './detectors/token.js';
import { urlTriggers } from './detectors/url.js';
import {
  type UserPattern,
  userDetectors,
  type WholeTextDetector,
} from './detectors/user-pattern.js';
import { type Allowance, LineScan } from './line-scan.js';
import type { Redaction, Redactor } from './redact.js';
import { countMarkers } from './redaction-match.js';
import { alwaysOn, kinds, namedRules, rules } from './rules.js';
import type { Span } from './scan-context.js';
import { normalizeSpans, replace } from './spans.js';
import { escapeTriggers, hasEscapedAscii, plainView } from './unescape.js';

export interface RedactorOptions {
  /** Exact values that are never replaced. */
  readonly allow?: readonly string[];
  readonly extraPatterns?: readonly UserPattern[];
  /** Kinds to leave alone; `known` and `budget` cannot be switched off. */
  readonly disabledKinds?: readonly string[];
  /** Replaced wherever they appear, as kind `known`; shorter than 8 bytes or plain words are ignored. Kept in memory only. */
  readonly knownSecrets?: readonly string[];
  /** Work units per line, whatever its length; a unit is about a microsecond at worst. Default: 30,000 and half a unit per byte. */
  readonly allowance?: number;
}

/** Part of the version; changes with the code where the tables alone do not tell. */
const revision = 1;
const defaultAllowance: Allowance = { units: 30_000, unitsPerByte: 0.5, unitsPerText: 200_000 };
/** A second pass finds nothing new, except what the first laid bare; the bound is never met in practice. */
const mostPasses = 4;

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
  readonly #index: AnchorIndex;
  readonly #detectors: readonly (readonly Detector[])[];
  readonly #wholeText: readonly WholeTextDetector[];
  readonly #disabled: ReadonlySet<string>;
  readonly #allowed: ReadonlySet<string>;
  readonly #allowance: Allowance;

  constructor(options: RedactorOptions, disabled: ReadonlySet<string>) {
    const user = userDetectors(options.extraPatterns ?? []);
    const literals = groupByLiteral([
      ...builtInTriggers(disabled),
      ...user.triggers,
      ...literalTriggers(options.knownSecrets ?? []),
    ]);
    this.#options = options;
    this.#index = new AnchorIndex(literals.map(({ anchor }) => anchor));
    this.#detectors = literals.map(({ detectors }) => detectors);
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

  #isWanted(bytes: Buffer, span: Span): boolean {
    if (this.#disabled.has(span.kind)) return false;
    if (this.#allowed.size === 0) return true;
    return !this.#allowed.has(bytes.toString('latin1', span.start, span.end));
  }

  /** Spans in the positions of `bytes`, not yet normalized. */
  #scan(bytes: Buffer): readonly Span[] {
    const plain = this.#scanForm(bytes, true);
    if (plain !== 'escaped') return plain;
    const view = plainView(bytes);
    const found = this.#scanForm(view.bytes, false);
    if (found === 'escaped') return [];
    return found.map((span) => ({
      ...span,
      start: view.sourceOf(span.start),
      end: view.sourceOf(span.end),
    }));
  }

  /** `escaped`: there is something to look at, and printable ASCII is written in escapes. */
  #scanForm(bytes: Buffer, minds: boolean): readonly Span[] | 'escaped' {
    let lineScan: LineScan | undefined;
    let isEscaped = false;
    if (this.#wholeText.length > 0) {
      if (minds && hasEscapedAscii(bytes)) return 'escaped';
      lineScan = new LineScan(bytes, this.#allowance);
      for (const detector of this.#wholeText) detector.detect(lineScan.context);
    }
    this.#index.scan(bytes, (anchor, start) => {
      for (const detector of this.#detectors[anchor] ?? []) {
        if (!detector.isWorthwhile(bytes, start)) continue;
        if (lineScan === undefined && minds && hasEscapedAscii(bytes)) {
          isEscaped = true;
          return true;
        }
        lineScan ??= new LineScan(bytes, this.#allowance);
        lineScan.visit(detector, start);
      }
      return false;
    });
    return isEscaped ? 'escaped' : (lineScan?.finish() ?? []);
  }
}

/** Markers of `after` beyond those that `before` brought along. */
function newMarkers(before: Buffer, after: Buffer): ReadonlyMap<string, number> {
  const counts = countMarkers(after);
  for (const [kind, count] of countMarkers(before)) {
    const added = (counts.get(kind) ?? 0) - count;
    if (added > 0) counts.set(kind, added);
    else counts.delete(kind);
  }
  return counts;
}

function builtInTriggers(disabled: ReadonlySet<string>): readonly Trigger[] {
  const tokens = rules.filter((rule) => !disabled.has(rule.kind)).flatMap(tokenTriggers);
  return [
    ...tokens,
    ...pemTriggers,
    ...jwtTriggers,
    ...urlTriggers,
    ...headerTriggers,
    ...kubernetesTriggers,
    ...assignmentTriggers(namedRules.filter((rule) => !disabled.has(rule.kind))),
    ...escapeTriggers(tokens.map(({ literal }) => literal)),
  ];
}

interface Literal {
  readonly anchor: { readonly bytes: Buffer; readonly fold: boolean };
  readonly detectors: Detector[];
}

function groupByLiteral(triggers: readonly Trigger[]): readonly Literal[] {
  const literals = new Map<string, Literal>();
  for (const { literal, fold = false, detector } of triggers) {
    const key = `${fold}:${literal}`;
    const known = literals.get(key);
    if (known === undefined) {
      const anchor = { bytes: Buffer.from(literal, 'latin1'), fold };
      literals.set(key, { anchor, detectors: [detector] });
    } else {
      known.detectors.push(detector);
    }
  }
  return [...literals.values()];
}

function allowanceOf({ allowance }: RedactorOptions): Allowance {
  if (allowance === undefined) return defaultAllowance;
  return { units: allowance, unitsPerByte: 0, unitsPerText: Number.POSITIVE_INFINITY };
}

/** Tells apart what may redact differently. Known secrets are left out: nobody may test guesses against it. */
function versionOf(options: RedactorOptions): string {
  const facts = {
    revision,
    rules: rules.map((rule) => [rule.kind, rule.anchors, rule.shape.source]),
    named: namedRules.map((rule) => [rule.kind, rule.name.source, rule.shape.source]),
    allow: [...(options.allow ?? [])].sort(),
    disabled: [...(options.disabledKinds ?? [])].sort(),
    extra: options.extraPatterns ?? [],
    allowance: allowanceOf(options),
  };
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 12);
}
