import type { NamedRule, Rule, StructureRule } from './rule.js';
import { agentToolRules } from './rules/agent-tools.js';
import { businessRules } from './rules/business.js';
import { callRules } from './rules/calls.js';
import { cloudRules } from './rules/clouds.js';
import { codeRules } from './rules/codes.js';
import { commandLineRules } from './rules/command-lines.js';
import { commandOutputRules } from './rules/command-output.js';
import { commandRules } from './rules/commands.js';
import { cryptoToolRules } from './rules/crypto-tools.js';
import { developerToolRules } from './rules/developer-tools.js';
import { deviceRules } from './rules/devices.js';
import { dialogueRules } from './rules/dialogues.js';
import { forgeRules } from './rules/forges.js';
import { hostingRules } from './rules/hosting.js';
import { identifiableKeyRules } from './rules/identifiable-keys.js';
import { infrastructureRules } from './rules/infrastructure.js';
import { messagingRules } from './rules/messaging.js';
import { modelPlatformRules } from './rules/model-platforms.js';
import { modelRules } from './rules/models.js';
import { namedRules } from './rules/named.js';
import { namedAfterRules } from './rules/named-after.js';
import { platformRules } from './rules/platforms.js';
import { prefixedTokenRules } from './rules/prefixed-tokens.js';
import { proseRules } from './rules/prose.js';
import { serviceRules } from './rules/services.js';
import { sqlRules } from './rules/sql.js';
import { structureRules } from './rules/structures.js';
import { urlRules } from './rules/urls.js';
import { walletRules } from './rules/wallets.js';
import { webhookRules } from './rules/webhooks.js';

/** Every kind with a recognisable shape, by table. A new kind is a new row in one of these. */
export const ruleTables: readonly (readonly Rule[])[] = [
  modelRules,
  cloudRules,
  infrastructureRules,
  forgeRules,
  messagingRules,
  serviceRules,
  agentToolRules,
  hostingRules,
  developerToolRules,
  businessRules,
  modelPlatformRules,
  platformRules,
  identifiableKeyRules,
  webhookRules,
  walletRules,
  commandRules,
  commandOutputRules,
  urlRules,
  callRules,
  sqlRules,
  deviceRules,
  cryptoToolRules,
  proseRules,
  codeRules,
  dialogueRules,
  prefixedTokenRules,
  namedAfterRules,
];

export const rules: readonly Rule[] = ruleTables.flat();

export { commandLineRules, namedRules, structureRules };

/** Every kind that a marker can have, except those of the user's own patterns. */
export const kinds: ReadonlySet<string> = new Set(
  [...rules, ...namedRules, ...structureRules].map((row: { readonly kind: string }) => row.kind),
);

/**
 * Kinds that cannot be switched off: what the user named, and what could not be scanned in time.
 */
export const alwaysOn: ReadonlySet<string> = new Set(['known', 'budget']);

export type { NamedRule, Rule, StructureRule };
