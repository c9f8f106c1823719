import { openProven } from '../app/proven-bucket.js';
import { createBucketIfMissing } from '../bucket/open.js';
import { openableTarget } from '../config/settings.js';
import { beat } from '../coordination/agents/agents.js';
import { artifactsOf } from './artifacts.js';
import { openSdkContext } from './context.js';
import { sdkEnvironmentOf, textOf } from './environment.js';
import { exportOf } from './export.js';
import { acksOf, mailOf } from './mail.js';
import { memoriesOf } from './memories.js';
import { plansOf } from './plans.js';
import { runsOf } from './run.js';
import { searchOf } from './search.js';
import { sessionsOf } from './sessions.js';
import { stepsOf } from './steps.js';
import type { OpenOptions, Tracecraft } from './types.js';
import { usageOf } from './usage.js';

/**
 * Opens the bucket of the applicable config, or the one you name. A local folder you name is created if missing.
 * `NotFoundError`: no config and no destination; `UsageError`: an unusable one; `NotAllowedError`: missing
 * credentials, or an untrusted config from a folder; `UnreachableError`: the store does not answer.
 */
export async function openTracecraft(options: OpenOptions = {}): Promise<Tracecraft> {
  const surroundings = await sdkEnvironmentOf(options);
  const { settings } = surroundings;
  const warn = (message: string): void => options.onWarning?.(message);
  for (const warning of settings.warnings) warn(warning);
  const target = openableTarget(settings);
  if (options.destination !== undefined && target.backend === 'local') {
    await createBucketIfMissing(target);
  }
  const bucket = await openProven(settings);
  const acting = openSdkContext({ bucket, surroundings, redact: options.redact === true, warn });
  const { putIfAbsent, putIfMatch } = bucket.capabilities;
  return {
    location: bucket.location,
    project: settings.project,
    agent: settings.agent,
    isArbitrated: putIfAbsent && putIfMatch,
    ...stepsOf(acting),
    ...plansOf(acting),
    ...runsOf(acting),
    ...mailOf(acting),
    ...acksOf(acting),
    ...searchOf(acting),
    ...sessionsOf(acting),
    ...usageOf(acting),
    ...exportOf(acting),
    memory: memoriesOf(acting),
    artifacts: artifactsOf(acting),
    heartbeat: async (summary) => {
      const { context } = await acting.coordination();
      const { sessionId = null } = context;
      const said =
        summary === undefined
          ? {}
          : { summary: acting.scrub('the summary', textOf('summary', summary)) };
      await beat(context, { sessionId, status: 'active', ...said });
    },
    close: () => bucket.close(),
  };
}
