import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { referencesHere } from '../../src/app/references.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { plural } from '../../src/cli/format.js';
import { sessionHelp } from '../../src/cli/session-argument.js';
import { NotFoundError, UsageError } from '../../src/errors.js';
import { listSessionIds } from '../../src/mirror/slots/session-listing.js';
import type { SessionRef } from '../../src/mirror/stream.js';
import type { MetaDocument } from '../../src/protocol/documents.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { findSession } from '../../src/sessions/find.js';
import { harnessNames } from '../../watchers/names.js';

export default class SessionRefresh extends BaseCommand {
  static override summary = 'count a session anew and rewrite its meta.json';
  static override description =
    'Reads all parts of the session and writes what follows from them: title, turns, lines, streams and tokens. For sessions whose transcript is gone, or that another version or tool mirrored. What only the transcript tells, such as its folder, stays as it was. A document that agrees already is not written. The index that lists and reports are read from is made to agree with it.\n\nExit codes: 0 done, 2 several sessions match, 3 no such session, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> session refresh 8b418ea5',
    '<%= config.bin %> session refresh --all',
  ];
  static override args = { session: Args.string({ description: sessionHelp }) };
  static override flags = {
    all: Flags.boolean({ summary: 'every session in the bucket' }),
    harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(SessionRefresh);
    const isAll = flags.all === true;
    if (isAll === (args.session !== undefined)) {
      throw new UsageError('name a session, or say --all', { hint: 'One of the two.' });
    }
    const settings = await this.settings();
    const bucket = await this.openProvenBucket(settings);
    const store = { bucket, layout: bucketLayout(settings.project) };
    const wanted = flags.harness === undefined ? harnessNames : [flags.harness];
    const sessions: SessionRef[] = [];
    if (args.session === undefined) {
      for (const [harness, ids] of await listSessionIds(bucket, store.layout, wanted)) {
        for (const id of ids) sessions.push({ harness, id });
      }
    } else {
      const scope = await referencesHere(settings, process.env, flags.harness);
      sessions.push(await findSession(store, args.session, scope));
    }
    const { mendIndex, refreshSession } = await import('../../src/app/refresh.js');
    const written: { document: MetaDocument; differences: readonly string[] }[] = [];
    for (const session of sessions) {
      const recount = await refreshSession(store, session);
      if (recount === undefined && args.session !== undefined) {
        throw new NotFoundError(`nothing of session ${session.id} is in ${bucket.location}`);
      }
      if (recount === undefined || recount.differences.length === 0) continue;
      written.push(recount);
      this.print(`${session.harness} ${session.id}: ${recount.differences.join(', ')}`);
    }
    const corrected = await mendIndex(store, settings, sessions);
    const all = plural(sessions.length, 'session');
    this.say(
      written.length === 0
        ? `Nothing to correct in ${all}.`
        : `Rewrote ${written.length} of ${all}.`,
    );
    if (corrected > 0) this.say(`The index has ${plural(corrected, 'session')} anew.`);
    return {
      sessions: sessions.length,
      index_corrected: corrected,
      rewritten: written.map(({ document: { harness, session_id }, differences }) => ({
        harness,
        session_id,
        differences,
      })),
    };
  }
}
