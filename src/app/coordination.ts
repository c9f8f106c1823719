import { hostname } from 'node:os';
import { sessionVariables } from '../../watchers/names.js';
import type { Bucket } from '../bucket/bucket.js';
import { systemClock } from '../clock.js';
import { destinationFolder } from '../config/destination.js';
import { requireAgent, type Settings } from '../config/settings.js';
import {
  type HeartbeatNews,
  keepHeartbeat,
  refreshHeartbeat,
  refuseTakenName,
} from '../coordination/agents/agents.js';
import { sessionIdOf, terminalOf } from '../coordination/agents/session-id.js';
import { type HolderFiles, openHolderFiles } from '../coordination/claims/holder-files.js';
import { renewHeld } from '../coordination/claims/renew.js';
import type { CoordinationContext } from '../coordination/context.js';
import { openLastTimestamp } from '../coordination/last-timestamp.js';
import { nodeIo } from '../io.js';
import { bucketLayout } from '../protocol/keys.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a command that acts as an agent needs. */
export interface Coordination {
  readonly context: CoordinationContext;
  /** The claims that were made from this session or terminal. */
  readonly holders: HolderFiles;
  /** The epoch of a step that this process was started to work at, by `tracecraft run`. */
  epochOf(step: string): number | undefined;
  /** What could not be written after the act itself was done. */
  readonly unrecorded: readonly Error[];
  /** Whether this command registered a new agent; a mistyped name is one, too. */
  isNewAgent(): boolean;
  /**
   * The agent's sign of life, and the renewal of what it holds here, if they are due; with a `step` the sign at once. To be
   * started beside the command's own requests and awaited at its end. Never fails: the answer is what went wrong, if anything did.
   */
  heartbeat(news?: HeartbeatNews): Promise<Error | undefined>;
}

/** `UsageError` if no agent is named. Pass a probed bucket wherever the act relies on arbitration. */
export async function openCoordination(
  bucket: Bucket,
  settings: Settings,
  env: Environment,
): Promise<Coordination> {
  const agent = requireAgent(settings);
  const sessionId = sessionIdOf(env, sessionVariables);
  const { stateFolder, project } = settings;
  const folder = destinationFolder(stateFolder, bucket.location, project);
  let isNew = false;
  const context: CoordinationContext = {
    bucket,
    layout: bucketLayout(project),
    agent,
    host: hostname(),
    onRegistered: () => {
      isNew = true;
    },
    ...(sessionId === undefined ? {} : { sessionId }),
    stamps: openLastTimestamp(nodeIo, folder),
    clock: systemClock,
  };
  await refuseTakenName(context, { io: nodeIo, folder });
  const unrecorded: Error[] = [];
  const place = sessionId ?? (await terminalHere(env));
  const holders = openHolderFiles(nodeIo, folder, { agent, place });
  return {
    context: { ...context, onUnrecorded: (error) => unrecorded.push(error) },
    unrecorded,
    isNewAgent: () => isNew,
    holders,
    epochOf: (step) => epochIn(env, step),
    heartbeat: async (news) => {
      const [failure, trouble] = await Promise.all([
        refreshHeartbeat(context, { io: nodeIo, folder }, news),
        renewalTrouble(renewHeld(context, holders)),
      ]);
      return failure ?? trouble;
    },
  };
}

/** What its user should know of a renewal. */
async function renewalTrouble(renewal: ReturnType<typeof renewHeld>): Promise<Error | undefined> {
  try {
    const [lost] = await renewal;
    return lost === undefined ? undefined : new Error(`step ${lost.step} is not yours any more`);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** What `tracecraft run` tells the command that it starts. */
export const runVariables = { step: 'TRACECRAFT_STEP', epoch: 'TRACECRAFT_EPOCH' } as const;

function epochIn(env: Environment, step: string): number | undefined {
  const epoch = env[runVariables.epoch] ?? '';
  return env[runVariables.step] === step && /^[1-9]\d{0,9}$/.test(epoch)
    ? Number(epoch)
    : undefined;
}

/**
 * A sign of life beside a command that only reads, if one is due, on a bucket opened for reading. Nothing of it is that command's
 * business.
 */
export async function signOfLife(
  bucket: Bucket,
  settings: Settings,
  env: Environment,
): Promise<void> {
  const { agent, stateFolder, project } = settings;
  if (agent === undefined) return;
  try {
    const sessionId = sessionIdOf(env, sessionVariables);
    const context: CoordinationContext = {
      bucket,
      layout: bucketLayout(project),
      agent,
      host: hostname(),
      ...(sessionId === undefined ? {} : { sessionId }),
      clock: systemClock,
    };
    const folder = destinationFolder(stateFolder, bucket.location, project);
    const place = sessionId ?? (await terminalHere(env));
    const holders = openHolderFiles(nodeIo, folder, { agent, place });
    await Promise.all([
      keepHeartbeat(context, { io: nodeIo, folder }),
      renewHeld(context, holders),
    ]);
  } catch {
    return;
  }
}

/** Tells two terminals of one user apart. */
export async function terminalHere(env: Environment): Promise<string | undefined> {
  return terminalOf(env, await processStat());
}

/** Only Linux has it. */
async function processStat(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const stat = await nodeIo.readFile('/proc/self/stat').catch(() => undefined);
  return stat?.toString('utf8');
}
