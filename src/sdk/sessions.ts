import { resolve } from 'node:path';
import { harnessNames, requireHarness } from '../../watchers/names.js';
import { possibleSessions, sessionHere } from '../app/shell-session.js';
import { leastBriefBytes, mostBriefBytes, usualBriefBytes } from '../brief/size.js';
import { UsageError } from '../errors.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import { findSession } from '../sessions/find.js';
import type { SdkContext } from './context.js';
import { textOf } from './environment.js';
import type { RestoreOptions } from './session-types.js';
import type { Tracecraft } from './types.js';

/** What is loaded by whoever calls it: watchers, readers of transcripts, restoring. */
export function sessionsOf(
  context: SdkContext,
): Pick<Tracecraft, 'brief' | 'mirrorSession' | 'restore'> {
  return {
    mirrorSession: async (options) => {
      const { mirrorSession } = await import('./mirror-session.js');
      return mirrorSession(context, options);
    },
    brief: async (session, options = {}) => {
      const { settings, bucket } = context;
      const bytes = briefBytes(options.bytes);
      const found = await sessionNamed(context, session, options.harness);
      const { sessionBrief } = await import('../app/session-brief.js');
      const { markdown, missing } = await sessionBrief(settings, bucket, found, bytes);
      const unread = missing.map(({ message }) => message);
      return { sessionId: found.id, harness: found.harness, markdown, unread };
    },
    restore: async (session, options = {}) => {
      const { settings, bucket, env, home } = context;
      const wish = wishOf(context, options);
      const found = await sessionNamed(context, session, options.harness);
      const { Restoring } = await import('../app/restoring.js');
      const restored = await new Restoring(settings, bucket, { env, home }).restore(found, wish);
      const { state, mode, id, generation, lines, files, plan, cwd } = restored;
      return {
        state,
        sessionId: found.id,
        harness: found.harness,
        mode,
        restoredId: id,
        generation,
        lines,
        files,
        redactions: Object.fromEntries(restored.redactions),
        isSignedTextRedacted: restored.isSignedTextRedacted,
        commands: plan.commands,
        cwd,
        env: restored.env,
        notes: plan.notes,
      };
    },
  };
}

async function sessionNamed(
  { place, cwd, env }: SdkContext,
  session: unknown,
  harness: unknown,
): Promise<ListedSession> {
  const named = harness === undefined ? undefined : requireHarness(textOf('harness', harness)).name;
  return findSession(place, textOf('session', session), {
    harnesses: named === undefined ? harnessNames : [named],
    current: possibleSessions(await sessionHere(env, named)),
    folder: cwd,
    // Rows belong to a terminal.
    listed: [],
  });
}

function briefBytes(bytes: unknown = usualBriefBytes): number {
  const isCount = typeof bytes === 'number' && Number.isSafeInteger(bytes);
  if (isCount && bytes >= leastBriefBytes && bytes <= mostBriefBytes) return bytes;
  throw new UsageError(`bytes must be a whole number from ${leastBriefBytes} to ${mostBriefBytes}`);
}

function wishOf({ cwd }: SdkContext, options: RestoreOptions) {
  const { mode, generation, into, force, dryRun } = options;
  if (mode !== undefined && mode !== 'verbatim' && mode !== 'as-new') {
    throw new UsageError("mode must be 'verbatim' or 'as-new'");
  }
  if (generation !== undefined && !(Number.isSafeInteger(generation) && generation >= 0)) {
    throw new UsageError('generation must be a whole number, 0 or above');
  }
  return {
    mode,
    generation,
    cwd: options.cwd === undefined ? cwd : resolve(cwd, textOf('cwd', options.cwd)),
    into: into === undefined ? undefined : resolve(cwd, textOf('into', into)),
    isForced: force === true,
    isDryRun: dryRun === true,
  };
}
