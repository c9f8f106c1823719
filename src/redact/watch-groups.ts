import type { Detector, Trigger } from './detector.js';
import { assignmentTriggers } from './detectors/assignment.js';
import { columnTriggers } from './detectors/column.js';
import { commandTriggers } from './detectors/command.js';
import { cookieTriggers } from './detectors/cookie.js';
import { encodedTriggers } from './detectors/encoded.js';
import { foreignWordTriggers } from './detectors/foreign-word.js';
import { headerTriggers } from './detectors/header.js';
import { insertTriggers } from './detectors/insert.js';
import { jwkTriggers } from './detectors/jwk.js';
import { jwtTriggers } from './detectors/jwt.js';
import { kubernetesTriggers } from './detectors/kubernetes.js';
import { listedBytesTriggers } from './detectors/listed-bytes.js';
import { pemTriggers } from './detectors/pem.js';
import { pipedSecretTriggers } from './detectors/piped-secret.js';
import { addTokenTriggers } from './detectors/token.js';
import { urlTriggers } from './detectors/url.js';
import {
  commandLineRules,
  type NamedRule,
  namedRules,
  type Rule,
  rules,
  ruleTables,
} from './rules.js';
import { slashTriggers, type ViewTrigger, viewTriggers } from './view-triggers.js';

/** What looks closer where a literal occurs; several may watch the same one. */
export type Watched = Trigger | ViewTrigger;

/** Creates what watches the literals of one group. What a disabled kind watches keeps its place. */
export type WatchGroup = (disabled: ReadonlySet<string>) => readonly Watched[];

export const watchGroups: readonly WatchGroup[] = [
  ...ruleTables.map(tokenGroup),
  () => pemTriggers,
  () => jwtTriggers,
  () => urlTriggers,
  () => headerTriggers,
  () => kubernetesTriggers,
  () => cookieTriggers,
  () => jwkTriggers,
  () => pipedSecretTriggers,
  () => encodedTriggers(),
  () => listedBytesTriggers(),
  () => commandTriggers(commandLineRules),
  (disabled) => columnTriggers(namedRulesWithout(disabled)),
  () => insertTriggers,
  (disabled) => assignmentTriggers(namedRulesWithout(disabled)),
  () => foreignWordTriggers(),
  () => viewTriggers(),
  () => slashTriggers(rules.flatMap(({ anchors }) => anchors)),
];

/** The group's watchers in a fixed order: those of literals that match in either case come last. */
export function createGroup(create: WatchGroup, disabled: ReadonlySet<string>): readonly Watched[] {
  const watched = create(disabled);
  return [...watched.filter(({ fold }) => !fold), ...watched.filter(({ fold }) => fold)];
}

function tokenGroup(table: readonly Rule[]): WatchGroup {
  return (disabled) => {
    const triggers: Trigger[] = [];
    for (const rule of table) {
      if (!disabled.has(rule.kind)) addTokenTriggers(triggers, rule);
      else for (const literal of rule.anchors) triggers.push({ literal, detector: idle });
    }
    return triggers;
  };
}

const idle: Detector = { isWorthwhile: () => false, detect: () => {} };

function namedRulesWithout(disabled: ReadonlySet<string>): readonly NamedRule[] {
  return namedRules.filter((rule) => !disabled.has(rule.kind));
}
