import type { NamedRule, Rule, StructureRule } from './rule.js';
import { cloudRules } from './rules/clouds.js';
import { commandRules } from './rules/commands.js';
import { forgeRules } from './rules/forges.js';
import { infrastructureRules } from './rules/infrastructure.js';
import { messagingRules } from './rules/messaging.js';
import { modelRules } from './rules/models.js';
import { namedRules } from './rules/named.js';
import { serviceRules } from './rules/services.js';
import { structureRules } from './rules/structures.js';

/** Every kind that has a shape of its own. A new kind is a new row in one of these tables. */
export const rules: readonly Rule[] = [
  ...modelRules,
  ...cloudRules,
  ...infrastructureRules,
  ...forgeRules,
  ...messagingRules,
  ...serviceRules,
  ...commandRules,
];

export { namedRules, structureRules };

/** Every kind that a marker can carry, except those of the user's own patterns. */
export const kinds: ReadonlySet<string> = new Set(
  [...rules, ...namedRules, ...structureRules].map((row: { readonly kind: string }) => row.kind),
);

/** Kinds that are no matter of taste: what the user named, and what could not be scanned in time. */
export const alwaysOn: ReadonlySet<string> = new Set(['known', 'budget']);

export type { NamedRule, Rule, StructureRule };
