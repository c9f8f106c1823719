import type { RunState, StoredMemory } from './bucket-state.js';
import { presentKeyOf } from './inferred-events.js';

/** A self-contained part of a state, and the objects an event about it would refer to. */
export interface StateObject {
  readonly keys: readonly string[];
  readonly state: RunState;
  /** What the state shows about this object alone. */
  readonly only?: string;
}

const nothing: RunState = {
  agents: [],
  steps: [],
  mail: [],
  memories: [],
  memoryHistory: [],
  artifacts: [],
  sessions: [],
};

/** Splits a state into the smallest distinguishable parts. */
export function stateObjectsOf(state: RunState): readonly StateObject[] {
  return [
    ...state.agents.map((one) => ({ keys: [one.key], state: { ...nothing, agents: [one] } })),
    ...state.steps.map((one) => ({ keys: stepKeys(one), state: { ...nothing, steps: [one] } })),
    ...state.mail.map((one) => ({ keys: [one.key], state: { ...nothing, mail: [one] } })),
    ...memoryThings(state),
    ...state.artifacts.map((one) => ({ keys: [one.key], state: { ...nothing, artifacts: [one] } })),
  ];
}

function stepKeys({ claim, status, handoff }: RunState['steps'][number]): readonly string[] {
  const key = claim?.key ?? status?.key ?? handoff?.key;
  const folder = key?.replace(/[^/]+$/, '');
  if (folder === undefined) return [];
  return ['claim', 'status', 'handoff'].map((leaf) => `${folder}${leaf}.json`);
}

/** Each earlier value separately: one name may have had thousands. */
function memoryThings({ memories, memoryHistory }: RunState): readonly StateObject[] {
  const present = new Map(memories.map((one) => [one.name, one]));
  const versions = new Set<string>();
  const thing = (one: StoredMemory, state: Partial<RunState>): StateObject => {
    const keys = [one.key, presentKeyOf(one.name, one.key), present.get(one.name)?.key];
    const known = keys.filter((key) => key !== undefined);
    return { keys: [...new Set(known)], state: { ...nothing, ...state }, only: one.key };
  };
  const former = memoryHistory.map((one) => {
    versions.add(`${one.name} ${one.document.version}`);
    const now = present.get(one.name);
    return thing(one, { memories: now === undefined ? [] : [now], memoryHistory: [one] });
  });
  const latest = memories.filter(
    ({ name, document }) => !versions.has(`${name} ${document.version}`),
  );
  return [...former, ...latest.map((one) => thing(one, { memories: [one] }))];
}
