import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { openMirroring } from '../../src/app/mirroring.js';
import { referencesHere } from '../../src/app/references.js';
import type { Bucket } from '../../src/bucket/bucket.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { sessionHelp } from '../../src/cli/session-argument.js';
import { textOutput } from '../../src/cli/watch-output.js';
import { systemClock } from '../../src/clock.js';
import { destinationFolder, hookSignalFolder } from '../../src/config/destination.js';
import type { Settings } from '../../src/config/settings.js';
import { writeEvent } from '../../src/coordination/events.js';
import { NotFoundError, PartialError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import type { ListedSession } from '../../src/mirror/slots/session-listing.js';
import { noEvents } from '../../src/mirror/watch/file-events.js';
import { writeHookSignal } from '../../src/mirror/watch/hook-signals.js';
import { runningWatch } from '../../src/mirror/watch/lock.js';
import { everything } from '../../src/mirror/watch/selection.js';
import { encodeDocument } from '../../src/protocol/documents.js';
import { bucketLayout, type Layout } from '../../src/protocol/keys.js';
import { findSession } from '../../src/sessions/find.js';
import { harnessNames } from '../../watchers/names.js';
import { createWatchers } from '../../watchers/registry.js';

export default class SessionStop extends BaseCommand {
  static override summary = 'upload the last lines of a session and mark it as ended';
  static override description =
    'Mirrors what is still missing, if the session is on this machine, and writes ended_at into its meta.json. If it grows later, a running watch continues with it and it counts as open again.\n\nExit codes: 0 done, 2 several sessions match, 3 no such session, 7 not trusted or not allowed, 8 store unreachable, 10 not all of it could be sent.';
  static override examples = ['<%= config.bin %> session stop 8b418ea5'];
  static override args = {
    session: Args.string({ description: sessionHelp, required: true }),
  };
  static override flags = {
    harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(SessionStop);
    const settings = await this.settings();
    const bucket = await this.openProvenBucket(settings);
    const layout = bucketLayout(settings.project);
    const scope = await referencesHere(settings, process.env, flags.harness);
    const session = await findSession({ bucket, layout }, args.session, scope);
    const now = (await bucket.now()).toISOString();
    const ended = await this.takeRest(settings, bucket, session, now);
    const isHere = ended !== undefined;
    const endedAt = ended ?? session.meta?.ended_at ?? now;
    if (!isHere) {
      const key = layout.meta(session.harness, session.id);
      if (session.meta === undefined) throw new NotFoundError(`no readable ${key}`);
      await bucket.put(key, encodeDocument({ ...session.meta, ended_at: endedAt }));
    }
    if (!isHere || !(await tellWatch(settings, bucket, session))) {
      await this.tellEnd(settings, bucket, { ...session, layout });
    }
    const place = isHere ? '' : ' Its transcript is not on this machine, so nothing was uploaded.';
    this.say(`Session ${session.id} ended at ${endedAt}.${place}`);
    return { harness: session.harness, session_id: session.id, ended_at: endedAt };
  }

  private async tellEnd(
    { agent }: Settings,
    bucket: Bucket,
    { harness, id, layout }: { harness: string; id: string; layout: Layout },
  ): Promise<void> {
    if (agent === undefined) return;
    const data = { ref: { key: layout.meta(harness, id), id: 'ended' }, harness };
    await writeEvent({ bucket, layout, agent, sessionId: id }, { type: 'session.ended', data });
  }

  /** When it ended: what has ended already and did not grow keeps its time. `undefined`: this machine does not have it. */
  private async takeRest(
    settings: Settings,
    bucket: Bucket,
    { harness, id, meta }: ListedSession,
    now: string,
  ): Promise<string | undefined> {
    const { loop, registry } = openMirroring({
      settings,
      bucket,
      watchers: await createWatchers(
        { io: nodeIo, clock: systemClock, env: process.env, home: this.surroundings.home },
        [harness],
      ),
      selection: { ...everything, sessionId: id },
      events: noEvents,
      isPolling: true,
      isThorough: false,
      intervalMs: undefined,
      output: textOutput({ isQuiet: true, named: false }),
    });
    const end = await loop.once(new AbortController().signal);
    const [behind] = end.behind;
    if (behind !== undefined) {
      throw new PartialError(`not all of it is in the bucket: ${behind.source}: ${behind.reason}`);
    }
    const [mirrored] = [...registry.sessions];
    if (mirrored === undefined) return undefined;
    const lines = mirrored.streams.get('')?.checkpoint?.position.line ?? 0;
    const endedBefore = lines === (meta?.total_lines ?? 0) ? meta?.ended_at : null;
    const endedAt = endedBefore ?? now;
    await mirrored.writeMeta(endedAt);
    return endedAt;
  }
}

/** A running watch would soon record the session as open again, so it is notified; it writes the event. */
async function tellWatch(
  { stateFolder, project }: Settings,
  { location }: Bucket,
  { harness, id: sessionId }: ListedSession,
): Promise<boolean> {
  const folder = destinationFolder(stateFolder, location, project);
  if ((await runningWatch(`${folder}/watch.lock`)) === undefined) return false;
  await writeHookSignal(nodeIo, hookSignalFolder(stateFolder), {
    harness,
    kind: 'ended',
    sessionId,
  });
  return true;
}
