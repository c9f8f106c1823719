import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { referencesHere } from '../../src/app/references.js';
import { olderVersions } from '../../src/app/remove-secrets.js';
import { forgetSearched } from '../../src/app/search-cache.js';
import { type Removing, removeSession, restoreSession } from '../../src/app/session-removal.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { canAsk, confirm } from '../../src/cli/confirm.js';
import { plural } from '../../src/cli/format.js';
import { sessionHelp } from '../../src/cli/session-argument.js';
import { destinationFolder } from '../../src/config/destination.js';
import { NotFoundError, RefusedError, UsageError } from '../../src/errors.js';
import { escapeTerminal } from '../../src/escape-terminal.js';
import { nodeIo } from '../../src/io.js';
import type { SessionRef } from '../../src/mirror/stream.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { changePurgeMark } from '../../src/search/published/purge-mark.js';
import {
  findRemovals,
  findSession,
  type ReferenceScope,
  severalSessions,
} from '../../src/sessions/find.js';
import { harnessNames } from '../../watchers/names.js';

export default class SessionRemove extends BaseCommand {
  static override summary = 'delete a session from the bucket, and keep it from coming back';
  static override description =
    'Deletes every object of the session: its parts, those of its sub-agents, meta.json and compacted copies. First it writes a record, removed/<harness>/<session>.json, that stays: no "watch" on any machine mirrors the session again. A running one drops it within seconds on this machine, elsewhere within 10 minutes, and deletes whatever it sent in the meantime. What a search on this machine kept of it is deleted, too; other machines drop it with their next search. The transcript on the machine where the session ran is not touched; mail, memory and artifacts stay. Asks at a terminal; elsewhere --yes is required. "tracecraft log" records it. If it is interrupted, run it again.\n\n--undo allows the session to be mirrored again, from the transcript: anything that was only in the bucket is gone.\n\nA store that keeps old versions still has the objects; the last line says how to purge them.\n\nExit codes: 0 removed (or was already), or restored; 2 no answer possible without --yes, or several sessions match; 3 no such session, or with --undo none that was removed; 4 others keep writing it or deciding about it, 7 not allowed, 8 store unreachable, 9 you said no.';
  static override examples = [
    '<%= config.bin %> session remove 8b418ea5',
    '<%= config.bin %> session remove 8b418ea5 --yes --json',
    '<%= config.bin %> session remove 8b418ea5 --undo',
  ];
  static override args = {
    session: Args.string({ description: sessionHelp, required: true }),
  };
  static override flags = {
    harness: Flags.string({ summary: 'whose session', options: [...harnessNames] }),
    yes: Flags.boolean({ char: 'y', summary: 'do not ask' }),
    undo: Flags.boolean({ summary: 'allow a removed session to be mirrored again' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(SessionRemove);
    const settings = await this.settings();
    const bucket = await this.openProvenBucket(settings);
    const context: Removing = {
      bucket,
      layout: bucketLayout(settings.project),
      io: nodeIo,
      folder: destinationFolder(settings.stateFolder, bucket.location, settings.project),
      agent: settings.agent ?? 'unknown',
    };
    const scope = await referencesHere(settings, process.env, flags.harness);
    const place = `${bucket.location} (${settings.project})`;
    if (flags.undo) {
      const ref = await this.#decided(context, args.session, scope);
      await restoreSession(context, ref);
      this.say(`${nameOf(ref)} may be mirrored again into ${place}.`);
      return { harness: ref.harness, session_id: ref.id, state: 'restored' };
    }
    const ref = await this.#named(context, args.session, scope);
    if (!flags.yes && !(await this.#isSure(`Delete ${nameOf(ref)} from ${place} for good?`))) {
      throw new RefusedError('nothing was removed');
    }
    await changePurgeMark(context);
    const { objects, bytes } = await removeSession(context, ref);
    const { root } = context.layout;
    const places = [
      context.layout.session(ref.harness, ref.id),
      context.layout.streamsOf(ref.harness, ref.id),
    ];
    await forgetSearched(bucket, settings, process.env, (prefix) =>
      places.some((place) => `${root}${prefix}`.startsWith(place)),
    );
    const old_versions = olderVersions(bucket.kind, context.layout.session(ref.harness, ref.id));
    this.say(`${nameOf(ref)} removed: ${plural(objects, 'object')} deleted from ${place}.`);
    this.say(old_versions);
    return {
      harness: ref.harness,
      session_id: ref.id,
      state: 'removed',
      objects,
      bytes,
      old_versions,
    };
  }

  /** What is left of a removal that was stopped can be named by its record. */
  async #named(context: Removing, word: string, scope: ReferenceScope): Promise<SessionRef> {
    try {
      return await findSession(context, word, scope);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      const removed = await this.#candidates(context, word, scope);
      if (removed === undefined) throw error;
      return removed;
    }
  }

  async #decided(context: Removing, word: string, scope: ReferenceScope): Promise<SessionRef> {
    const decided = await this.#candidates(context, word, scope);
    if (decided !== undefined) return decided;
    throw new NotFoundError(`no removed session fits ${word}`);
  }

  async #candidates(
    context: Removing,
    word: string,
    scope: ReferenceScope,
  ): Promise<SessionRef | undefined> {
    const found = await findRemovals(context, word, scope);
    const refs = found.map(({ harness, session_id }) => ({ harness, id: session_id }));
    if (refs.length > 1) throw await severalSessions(context, word, refs);
    return refs[0];
  }

  async #isSure(question: string): Promise<boolean> {
    if (this.jsonEnabled() || !canAsk()) {
      throw new UsageError('deleting a session must be confirmed', { hint: 'Confirm with --yes.' });
    }
    return confirm(escapeTerminal(question));
  }
}

function nameOf({ harness, id }: SessionRef): string {
  return `${harness}/${id}`;
}
