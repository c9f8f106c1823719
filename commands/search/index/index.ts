import * as Flags from '@oclif/core/flags';
import { openSearchPacks, packFolder } from '../../../src/app/search-cache.js';
import { purgeShared, SharedIndex } from '../../../src/app/shared-index.js';
import type { Bucket } from '../../../src/bucket/bucket.js';
import { BaseCommand } from '../../../src/cli/base-command.js';
import { formatBytes, plural } from '../../../src/cli/format.js';
import { startProgress } from '../../../src/cli/progress.js';
import type { Settings } from '../../../src/config/settings.js';
import { NotAllowedError, PartialError } from '../../../src/errors.js';
import { bucketLayout } from '../../../src/protocol/keys.js';
import { type Indexing, indexSessions } from '../../../src/search/cache/index-sessions.js';
import { harnessesIn } from '../../../src/search/scan.js';
import { listIndexed } from '../../../src/sessions/indexed.js';

interface Read {
  readonly sessions: number;
  readonly bytes: number;
  readonly unread: readonly { readonly session: string; readonly missing: string }[];
}

interface Packed extends Read {
  readonly stored: readonly { readonly size: number }[];
  readonly place: string;
}

/** What is packed goes into it, and is part of it afterwards. */
interface Shelf extends Pick<Indexing, 'coverage' | 'keeper'> {
  settle(how: { readonly isWhole: boolean }): Promise<void>;
}

export default class SearchIndex extends BaseCommand {
  static override summary =
    'pack every transcript, on this machine or in the bucket, so that searches read less';
  static override description =
    'Reads what no pack covers yet, and keeps its text in the cache folder, compressed, with an index of its words. The next search reads only what was added or rewritten since. The packs hold what the bucket holds and nothing else; they can be deleted at any time (--purge), and what is removed or redacted in the bucket leaves them with the next search that reads everything.\n\nWith --published the packs go into the bucket instead, for every machine: "watch" publishes what it sends from now on, this what was there before, or came from elsewhere.\n\nExit codes: 0 done, 4 text was removed from the bucket meanwhile, 7 the cache cannot be used, 8 store unreachable, 10 not everything could be read.';
  static override examples = [
    '<%= config.bin %> search index',
    '<%= config.bin %> search index --published',
    '<%= config.bin %> search index --purge',
    '<%= config.bin %> search index --purge --published',
  ];
  static override flags = {
    published: Flags.boolean({ summary: 'in the bucket, for every machine' }),
    purge: Flags.boolean({
      summary: "delete this project's packs from this machine; with --published, from the bucket",
    }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(SearchIndex);
    const settings = await this.settings();
    return flags.published
      ? this.#inBucket(settings, flags.purge)
      : this.#here(settings, flags.purge);
  }

  async #here(settings: Settings, isPurge: boolean): Promise<object> {
    const bucket = await this.openBucket(settings);
    const folder = packFolder(bucket, settings, process.env);
    if (isPurge) {
      const before = await folder.sizes();
      await folder.purge();
      return this.#answerPurged(before, folder.path);
    }
    const nowMs = (await bucket.now()).getTime();
    const packs = await openSearchPacks(bucket, settings, {
      env: process.env,
      nowMs,
      keep: 'everything',
    });
    if (packs?.keeper === undefined) throw unusable(folder.path);
    const { coverage, keeper } = packs;
    const settle = async (how: { readonly isWhole: boolean }): Promise<void> => {
      try {
        await packs.settle(how);
      } catch (error) {
        // A pack that could not be removed still has the text that the bucket has no more.
        throw unusable(folder.path, error instanceof Error ? error : undefined);
      }
    };
    const shelf = { coverage, keeper, settle };
    const read = await this.#pack(bucket, settings, shelf);
    if (keeper.failure !== undefined) throw unusable(folder.path, keeper.failure);
    return this.#answer({ ...read, stored: await folder.sizes(), place: folder.path });
  }

  async #inBucket(settings: Settings, isPurge: boolean): Promise<object> {
    const bucket = await this.openProvenBucket(settings);
    const place = `${bucket.location} (${settings.project})`;
    if (isPurge) return this.#answerPurged(await purgeShared(bucket, settings), place);
    const index = await SharedIndex.open(bucket, settings, process.env);
    const read = await this.#pack(bucket, settings, index);
    if (index.keeper.failure !== undefined) throw index.keeper.failure;
    return this.#answer({ ...read, stored: await index.sizes(), place });
  }

  #answerPurged(before: readonly { readonly size: number }[], folder: string): object {
    const bytes = before.reduce((sum, { size }) => sum + size, 0);
    this.say(`${plural(before.length, 'pack')} deleted (${formatBytes(bytes)}).`);
    return { folder, deleted: before.length, bytes };
  }

  async #pack(bucket: Bucket, settings: Settings, shelf: Shelf): Promise<Read> {
    const layout = bucketLayout(settings.project);
    const { coverage, keeper } = shelf;
    return this.stoppable((signal) =>
      this.#packAll({ bucket, layout, coverage, keeper, signal }, shelf),
    );
  }

  async #packAll(indexing: Indexing, shelf: Shelf): Promise<Read> {
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
      await shelf.settle({ isWhole: done === sessions.length && unread.length === 0 });
    }
    return { sessions: done, bytes, unread };
  }

  #answer({ sessions, bytes, unread, stored, place }: Packed): object {
    const packed = stored.reduce((sum, { size }) => sum + size, 0);
    const data = {
      folder: place,
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
      `${formatBytes(bytes)} of ${plural(sessions, 'session')} read; ${plural(stored.length, 'pack')} (${formatBytes(packed)}) in ${place}`,
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
