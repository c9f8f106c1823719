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
} from '../coordination/agents/agents.js';
import { sessionIdOf, terminalOf } from '../coordination/agents/session-id.js';
import { type ClaimTokens, openClaimTokens } from '../coordination/claims/tokens.js';
import type { CoordinationContext } from '../coordination/context.js';
import { openLastTimestamp } from '../coordination/last-timestamp.js';
import { nodeIo } from '../io.js';
import { bucketLayout } from '../protocol/keys.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a command that acts as an agent needs. */
export interface Coordination {
  readonly context: CoordinationContext;
  /** The claims made from this session or terminal. */
  readonly held: ClaimTokens;
  /** What could not be written after the act itself was done. */
  readonly unrecorded: readonly Error[];
  /** Whether this command registered a new agent; a mistyped name is one, too. */
  isNewAgent(): boolean;
  /**
   * The agent's heartbeat, if one is due; immediately with a `step`. Start it alongside the command's own requests
   * and await it at the end. Never fails: resolves to what went wrong, if anything.
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
  const unrecorded: Error[] = [];
  const place = sessionId ?? terminalOf(env, await processStat());
  return {
    context: { ...context, onUnrecorded: (error) => unrecorded.push(error) },
    unrecorded,
    isNewAgent: () => isNew,
    held: openClaimTokens(nodeIo, folder, { agent, place }),
    heartbeat: (news) => refreshHeartbeat(context, { io: nodeIo, folder }, news),
  };
}

/** The heartbeat of a command that only reads, if one is due. Its failure is not that command's business. */
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
    await keepHeartbeat(context, { io: nodeIo, folder });
  } catch {
    return;
  }
}

/** Only Linux has it. */
async function processStat(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const stat = await nodeIo.readFile('/proc/self/stat').catch(() => undefined);
  return stat?.toString('utf8');
}
