import type { Detector, Trigger } from './detector.js';
import { assignmentTriggers } from './detectors/assignment.js';
import { columnTriggers } from './detectors/column.js';
import { commandTriggers } from './detectors/command.js';
import { cookieTriggers } from './detectors/cookie.js';
import { encodedTriggers } from './detectors/encoded.js';
import { headerTriggers } from './detectors/header.js';
import { insertTriggers } from './detectors/insert.js';
import { jwkTriggers } from './detectors/jwk.js';
import { jwtTriggers } from './detectors/jwt.js';
import { kubernetesTriggers } from './detectors/kubernetes.js';
import { listedBytesTriggers } from './detectors/listed-bytes.js';
import { passwordWordTriggers } from './detectors/password-word.js';
import { pemTriggers } from './detectors/pem.js';
import { pipedSecretTriggers } from './detectors/piped-secret.js';
import { tokenTriggers } from './detectors/token.js';
import { urlTriggers } from './detectors/url.js';
import type { Literal } from './literal-search.js';
import { commandLineRules, namedRules, rules } from './rules.js';
import { type ViewTrigger, viewTriggers } from './view-triggers.js';

/** A literal and everything that looks closer where it occurs. */
export interface Watched extends Literal {
  readonly detectors: Detector[];
  readonly viewTriggers: ViewTrigger[];
}

const builtInLiterals = new Map<string, readonly Watched[]>();

/** Shared by all redactors with the same kinds disabled: a process may create many. */
export function builtInLiteralsOf(disabled: ReadonlySet<string>): readonly Watched[] {
  const key = [...disabled].sort().join();
  const known = builtInLiterals.get(key) ?? grouped(...builtInTriggers(disabled));
  builtInLiterals.set(key, known);
  return known;
}

function builtInTriggers(
  disabled: ReadonlySet<string>,
): readonly [readonly Trigger[], readonly ViewTrigger[]] {
  const tokens = rules.filter((rule) => !disabled.has(rule.kind)).flatMap(tokenTriggers);
  const named = namedRules.filter((rule) => !disabled.has(rule.kind));
  const triggers = [
    ...tokens,
    ...pemTriggers,
    ...jwtTriggers,
    ...urlTriggers,
    ...headerTriggers,
    ...kubernetesTriggers,
    ...cookieTriggers,
    ...jwkTriggers,
    ...pipedSecretTriggers,
    ...encodedTriggers(),
    ...listedBytesTriggers(),
    ...commandTriggers(commandLineRules),
    ...columnTriggers(named),
    ...insertTriggers,
    ...assignmentTriggers(named),
    ...passwordWordTriggers(),
  ];
  return [triggers, viewTriggers(tokens.map(({ literal }) => literal))];
}

export function grouped(
  triggers: readonly Trigger[],
  views: readonly ViewTrigger[] = [],
): readonly Watched[] {
  const literals = new Map<string, Watched>();
  const literalOf = ({ literal, fold = false }: Pick<Trigger, 'literal' | 'fold'>): Watched => {
    const key = `${fold ? 1 : 0}${literal}`;
    const known = literals.get(key);
    if (known !== undefined) return known;
    const added = { text: literal, fold, detectors: [], viewTriggers: [] };
    literals.set(key, added);
    return added;
  };
  for (const trigger of triggers) literalOf(trigger).detectors.push(trigger.detector);
  for (const trigger of views) literalOf(trigger).viewTriggers.push(trigger);
  return [...literals.values()];
}
