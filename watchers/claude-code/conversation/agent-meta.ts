import { fields, word } from '../../../src/conversation/fields.js';
import type { RowReader } from '../../../src/conversation/fold.js';
import type { TurnCounter } from '../../../src/conversation/outline.js';
import type { Place } from '../../../src/conversation/place.js';
import {
  noted,
  type PlacedRow,
  type RowReading,
  type Tell,
} from '../../../src/conversation/row.js';
import { noTurns, type Tally } from '../../../src/conversation/tally.js';

const suffix = '.meta';

/** Whether a stream holds Claude Code's notes on a sub-agent. */
export function isAgentMeta(stream: string): boolean {
  return stream.endsWith(suffix);
}

/** The states of those notes, as rows: they describe a conversation but are not part of it. */
export class AgentMetaRows implements RowReader {
  readonly isSubagent = false;
  readonly #session: string;
  readonly #rows: PlacedRow[] = [];

  constructor({ session }: Place) {
    this.#session = session;
  }

  row(value: unknown, line: number): void {
    const reading = readAgentMeta(value, this.#session);
    this.#rows.push({ ...reading, lines: [line], isInherited: false, isAbandoned: false });
  }

  rows(): readonly PlacedRow[] {
    return this.#rows;
  }
}

/** The same, without counting anything. */
export class AgentMetaTurns implements TurnCounter {
  readonly isSubagent = false;
  readonly #session: string;

  constructor({ session }: Place) {
    this.#session = session;
  }

  row(value: unknown): RowReading {
    return readAgentMeta(value, this.#session);
  }

  state(): null {
    return null;
  }

  tallies(): { readonly own: Tally; readonly inherited: Tally } {
    return { own: noTurns, inherited: noTurns };
  }

  tells(): readonly Tell[] {
    return [];
  }
}

function readAgentMeta(meta: unknown, session: string): RowReading {
  const { description, ...by } = spawnedIn(meta, session);
  return noted('agent-meta', { atMs: undefined, id: undefined }, [
    { kind: 'spawn', by },
    ...(description === undefined
      ? []
      : [{ kind: 'title', by: 'harness', text: description } as const]),
  ]);
}

/**
 * Who started a sub-agent, from the `agent-<id>.meta.json` next to its transcript: the only link to an agent's own
 * agents. Older releases write less into it.
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
