import { hostname } from 'node:os';
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

/** What a command needs that acts as an agent. */
export interface Coordination {
  readonly context: CoordinationContext;
  /** The claims that were made from this session or terminal. */
  readonly held: ClaimTokens;
  /** What could not be written after the act itself was done. */
  readonly unrecorded: readonly Error[];
  /** Whether this command made an agent known that was not: a mistyped name is one, too. */
  isNewAgent(): boolean;
  /**
   * The agent's sign of life, if one is due; with a `step` at once. To be started beside the command's own requests and
   * awaited at its end. Never fails: the answer is what went wrong, if anything did.
   */
  heartbeat(news?: HeartbeatNews): Promise<Error | undefined>;
}

/** A `UsageError` when no agent is named. The bucket is a proven one wherever the act relies on the store to arbitrate. */
export async function openCoordination(
  bucket: Bucket,
  settings: Settings,
  env: Environment,
): Promise<Coordination> {
  const agent = requireAgent(settings);
  const sessionId = sessionIdOf(env);
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

/** A sign of life beside a command that only reads, if one is due. Nothing of it is that command's business. */
export async function signOfLife(
  bucket: Bucket,
  settings: Settings,
  env: Environment,
): Promise<void> {
  const { agent, stateFolder, project } = settings;
  if (agent === undefined) return;
  try {
    const sessionId = sessionIdOf(env);
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

/** Linux alone has it. */
async function processStat(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const stat = await nodeIo.readFile('/proc/self/stat').catch(() => undefined);
  return stat?.toString('utf8');
}
