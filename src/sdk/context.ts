import { type Coordination, openCoordination } from '../app/coordination.js';
import { checkSecrets, checkSecretsOfValue } from '../app/secret-check.js';
import type { Bucket } from '../bucket/bucket.js';
import type { HeartbeatNews } from '../coordination/agents/agents.js';
import type { ArtifactStore } from '../coordination/artifacts/artifacts.js';
import { UsageError } from '../errors.js';
import { bucketLayout } from '../protocol/keys.js';
import type { SdkEnvironment } from './environment.js';

/** What every method of the SDK works with. */
export interface SdkContext extends SdkEnvironment {
  readonly bucket: Bucket;
  readonly place: ArtifactStore;
  warn(message: string): void;
  /** Throws `UsageError` if no agent is named. */
  coordination(): Promise<Coordination>;
  /**
   * Runs an operation of the agent with a heartbeat alongside (afterwards, if it carries news), and
   * reports what was not recorded.
   */
  act<T>(act: (coordination: Coordination) => Promise<T>, news?: HeartbeatNews): Promise<T>;
  /** The text as it may be shared. */
  scrub(what: string, text: string): string;
  scrubValue(key: string, value: unknown): unknown;
}

export interface SdkContextOptions {
  readonly bucket: Bucket;
  readonly surroundings: SdkEnvironment;
  readonly redact: boolean;
  warn(message: string): void;
}

export function openSdkContext({
  bucket,
  surroundings,
  redact,
  warn,
}: SdkContextOptions): SdkContext {
  const { settings, env } = surroundings;
  let opened: Promise<Coordination> | undefined;
  const coordination = async (): Promise<Coordination> => {
    if (settings.agent === undefined) {
      throw new UsageError('no agent is named', {
        hint: 'Open with { agent }, set TRACECRAFT_AGENT, or agent_id in the config.',
      });
    }
    opened ??= openCoordination(bucket, settings, env);
    return opened;
  };
  const tell = unrecordedTeller(warn);
  return {
    ...surroundings,
    bucket,
    place: { bucket, layout: bucketLayout(settings.project) },
    warn,
    coordination,
    act: async (act, news) => {
      const mine = await coordination();
      const beside = news === undefined ? mine.heartbeat() : undefined;
      const answer = await act(mine).finally(() => beside);
      const failure = await (beside ?? mine.heartbeat(news));
      if (failure !== undefined) warn(`the heartbeat was not sent: ${failure.message}`);
      tell(mine);
      return answer;
    },
    ...scrubbers({ settings, redact, warn }),
  };
}

/** Reports each error once, however often it is called. */
function unrecordedTeller(warn: (message: string) => void): (coordination: Coordination) => void {
  let told = 0;
  return ({ unrecorded }) => {
    for (const error of unrecorded.slice(told)) {
      warn(`done, but not all of it was recorded: ${error.message}`);
    }
    told = unrecorded.length;
  };
}

function scrubbers({
  settings,
  redact,
  warn,
}: Pick<SdkContextOptions, 'redact' | 'warn'> & Pick<SdkEnvironment, 'settings'>): Pick<
  SdkContext,
  'scrub' | 'scrubValue'
> {
  const shared = (what: string, found: string | undefined): void => {
    if (found === undefined) return;
    const fate = redact ? `; redacted: ${found}` : ` (${found}) and is shared unchanged`;
    warn(`${what} contains what looks like a secret${fate}`);
  };
  return {
    scrub: (what, text) => {
      const checked = checkSecrets(settings, text, redact);
      shared(what, checked.found);
      return checked.text;
    },
    scrubValue: (key, value) => {
      const checked = checkSecretsOfValue(settings, { key, value }, redact);
      shared(`the value of ${key}`, checked.found);
      return checked.value;
    },
  };
}
