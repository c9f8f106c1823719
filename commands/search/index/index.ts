import * as Flags from '@oclif/core/flags';
import { openSearchPacks, packFolder } from '../../../src/app/search-cache.js';
import { BaseCommand } from '../../../src/cli/base-command.js';
import { formatBytes, plural } from '../../../src/cli/format.js';
import { startProgress } from '../../../src/cli/progress.js';
import { NotAllowedError, PartialError } from '../../../src/errors.js';
import { bucketLayout } from '../../../src/protocol/keys.js';
import { type Indexing, indexSessions } from '../../../src/search/cache/index-sessions.js';
import type { SearchPacks } from '../../../src/search/cache/search-packs.js';
import { harnessesIn } from '../../../src/search/scan.js';
import { listIndexed } from '../../../src/sessions/indexed.js';

interface Read {
  readonly sessions: number;
  readonly bytes: number;
  readonly unread: readonly { readonly session: string; readonly missing: string }[];
}

interface Packed extends Read {
  readonly stored: readonly { readonly size: number }[];
  readonly folder: string;
}

export default class SearchIndex extends BaseCommand {
  static override summary = 'pack every transcript on this machine, so that searches read less';
  static override description =
    'Reads what no pack covers yet, and keeps its text in the cache folder, compressed, with an index of its words. The next search reads only what was added or rewritten since. The packs hold what the bucket holds and nothing else; they can be deleted at any time (--purge), and what is removed or redacted in the bucket leaves them with the next search that reads everything.\n\nExit codes: 0 done, 8 store unreachable, 9 the cache cannot be used, 10 not everything could be read.';
  static override examples = [
    '<%= config.bin %> search index',
    '<%= config.bin %> search index --purge',
  ];
  static override flags = {
    purge: Flags.boolean({ summary: "delete this project's packs from this machine" }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(SearchIndex);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const folder = packFolder(bucket, settings, process.env);
    if (flags.purge) {
      const before = await folder.sizes();
      await folder.purge();
      const bytes = before.reduce((sum, { size }) => sum + size, 0);
      this.say(`${plural(before.length, 'pack')} deleted (${formatBytes(bytes)}).`);
      return { folder: folder.path, deleted: before.length, bytes };
    }
    const nowMs = (await bucket.now()).getTime();
    const packs = await openSearchPacks(bucket, settings, {
      env: process.env,
      nowMs,
      keep: 'everything',
    });
    if (packs?.keeper === undefined) throw unusable(folder.path);
    const layout = bucketLayout(settings.project);
    const place = { bucket, layout, coverage: packs.coverage, keeper: packs.keeper };
    const read = await this.stoppable((signal) => this.#pack({ ...place, signal }, packs));
    if (packs.keeper.failure !== undefined) throw unusable(folder.path, packs.keeper.failure);
    return this.#answer({ ...read, stored: await folder.sizes(), folder: folder.path });
  }

  async #pack(indexing: Indexing, packs: SearchPacks): Promise<Read> {
    const { bucket, layout } = indexing;
    const { sessions } = await listIndexed(bucket, layout, await harnessesIn(bucket, layout));
    const progress = startProgress({
      label: 'Packing',
      total: sessions.length,
      unit: 'items',
      isQuiet: this.isQuiet,
    });
    const unread: { session: string; missing: string }[] = [];
    let [done, bytes] = [0, 0];
    try {
      for await (const one of indexSessions(indexing, sessions)) {
        const { harness, id } = one.session;
        const { unread: missing } = one;
        if (missing !== undefined) unread.push({ session: `${harness}/${id}`, missing });
        bytes += one.bytes;
        done += 1;
        progress.update(done);
      }
    } finally {
      progress.stop();
      await packs.settle({ isWhole: done === sessions.length && unread.length === 0 });
    }
    return { sessions: done, bytes, unread };
  }

  #answer({ sessions, bytes, unread, stored, folder }: Packed): object {
    const packed = stored.reduce((sum, { size }) => sum + size, 0);
    const data = {
      folder,
      sessions,
      read_bytes: bytes,
      packs: stored.length,
      pack_bytes: packed,
      unread,
    };
    const [first] = unread;
    if (first !== undefined) {
      const error = new PartialError(
        `${plural(unread.length, 'session')} could not be read whole, e.g. ${first.session}: ${first.missing}`,
      );
      return this.answerFailure(error, data);
    }
    this.say(
      `${formatBytes(bytes)} of ${plural(sessions, 'session')} read; ${plural(stored.length, 'pack')} (${formatBytes(packed)}) in ${folder}`,
    );
    return data;
  }
}

function unusable(folder: string, cause?: Error): NotAllowedError {
  return new NotAllowedError(
    `cannot keep packs in ${folder}${cause === undefined ? '' : `: ${cause.message}`}`,
    {
      hint: 'It must be a folder of yours that nobody else may write to, on a disk with room.',
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
