import { fields, word } from '../../../src/conversation/fields.js';
import type { Place } from '../../../src/conversation/place.js';

/**
 * Who began a sub-agent, by the `agent-<id>.meta.json` beside its transcript: of an agent's own agents nothing else tells it.
 * Older releases write less into it.
 */
export function spawnedIn(meta: unknown, session: string): NonNullable<Place['spawned']> {
  const { toolUseId, parentAgentId, description } = fields(meta);
  const callId = word(toolUseId);
  const caller = word(parentAgentId);
  const stream = caller === undefined ? '' : `subagents/agent-${caller}`;
  const about = word(description);
  return {
    session,
    ...(callId === undefined ? {} : { stream, callId }),
    ...(about === undefined ? {} : { description: about }),
  };
}
