import type { Trigger } from './detector.js';
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
import { addTokenTriggers } from './detectors/token.js';
import { urlTriggers } from './detectors/url.js';
import { commandLineRules, namedRules, rules } from './rules.js';
import { type ViewTrigger, viewTriggers } from './view-triggers.js';

/** What looks closer where a literal occurs; several may watch the same one. */
export type Watched = Trigger | ViewTrigger;

const builtIn = new Map<string, readonly Watched[]>();

/**
 * Shared by all redactors with the same kinds disabled: a process may create many. Every start of a
 * command pays for this list, so nothing is derived from a rule before one of its anchors occurs.
 */
export function builtInLiteralsOf(disabled: ReadonlySet<string>): readonly Watched[] {
  const key = [...disabled].sort().join();
  const known = builtIn.get(key) ?? createBuiltIn(disabled);
  builtIn.set(key, known);
  return known;
}

function createBuiltIn(disabled: ReadonlySet<string>): readonly Watched[] {
  const tokens: Trigger[] = [];
  for (const rule of rules) if (!disabled.has(rule.kind)) addTokenTriggers(tokens, rule);
  const named = namedRules.filter((rule) => !disabled.has(rule.kind));
  return [
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
    ...viewTriggers(tokens.map(({ literal }) => literal)),
  ];
}
