import { hostname } from 'node:os';
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
import { terminalOf } from '../coordination/agents/session-id.js';
import { type HolderFiles, openHolderFiles } from '../coordination/claims/holder-files.js';
import { renewHeld } from '../coordination/claims/renew.js';
import type { CoordinationContext } from '../coordination/context.js';
import { openLastTimestamp } from '../coordination/last-timestamp.js';
import { nodeIo } from '../io.js';
import { bucketLayout } from '../protocol/keys.js';
import { type SessionHere, sessionHere } from './shell-session.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Everything a command that acts as an agent needs. */
export interface Coordination {
  readonly context: CoordinationContext;
  /** The claims that were made from this session or terminal. */
  readonly holders: HolderFiles;
  /** The epoch of the step for which `tracecraft run` started this process. */
  epochOf(step: string): number | undefined;
  /** What could not be written after the operation itself had succeeded. */
  readonly unrecorded: readonly Error[];
  /** Whether this command registered a new agent, which a mistyped name does too. */
  isNewAgent(): boolean;
  /**
   * Sends the agent's heartbeat and renews what it holds here, if due; with a `step` the heartbeat
   * is sent at once. Start it alongside the command's own requests and await it at the end. Never
   * fails: resolves to the error, if any.
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
  const session = await sessionHere(env);
  const sessionId = session.id;
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
  const unrecorded: Error[] = session.unclear.length === 0 ? [] : [unclearSession(session)];
  const place = await placeOf(session, env);
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

/** What the user should know about a renewal. */
async function renewalTrouble(renewal: ReturnType<typeof renewHeld>): Promise<Error | undefined> {
  try {
    const [lost] = await renewal;
    return lost === undefined ? undefined : new Error(`step ${lost.step} is not yours any more`);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Variables that `tracecraft run` sets for the command it starts. */
export const runVariables = { step: 'TRACECRAFT_STEP', epoch: 'TRACECRAFT_EPOCH' } as const;

function epochIn(env: Environment, step: string): number | undefined {
  const epoch = env[runVariables.epoch] ?? '';
  return env[runVariables.step] === step && /^[1-9]\d{0,9}$/.test(epoch)
    ? Number(epoch)
    : undefined;
}

/**
 * A heartbeat alongside a command that only reads, if due, on a bucket opened for reading. Its
 * failure does not concern the command.
 */
export async function signOfLife(
  bucket: Bucket,
  settings: Settings,
  env: Environment,
): Promise<void> {
  const { agent, stateFolder, project } = settings;
  if (agent === undefined) return;
  try {
    const session = await sessionHere(env);
    const sessionId = session.id;
    const context: CoordinationContext = {
      bucket,
      layout: bucketLayout(project),
      agent,
      host: hostname(),
      ...(sessionId === undefined ? {} : { sessionId }),
      clock: systemClock,
    };
    const folder = destinationFolder(stateFolder, bucket.location, project);
    const place = await placeOf(session, env);
    const holders = openHolderFiles(nodeIo, folder, { agent, place });
    await Promise.all([
      keepHeartbeat(context, { io: nodeIo, folder }),
      renewHeld(context, holders),
    ]);
  } catch {
    return;
  }
}

/** Where claims are made: of sessions whose order is unclear, all of them. */
async function placeOf(
  { id, unclear }: SessionHere,
  env: Environment,
): Promise<string | undefined> {
  if (id !== undefined) return id;
  return unclear.length > 0 ? unclear.join('+') : terminalHere(env);
}

function unclearSession({ unclear }: SessionHere): Error {
  return new Error(
    `the session: this shell names ${unclear.join(' and ')}; set TRACECRAFT_SESSION to the one that acts`,
  );
}

/** Distinguishes two terminals of one user. */
export async function terminalHere(env: Environment): Promise<string | undefined> {
  return terminalOf(env, await processStat());
}

/** Linux only. */
async function processStat(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const stat = await nodeIo.readFile('/proc/self/stat').catch(() => undefined);
  return stat?.toString('utf8');
}
