import type { Bucket } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import { destinationFolder } from '../config/destination.js';
import type { Settings } from '../config/settings.js';
import { LostError, NotAllowedError } from '../errors.js';
import { nodeIo } from '../io.js';
import { indexWriterName } from '../mirror/index/writer-name.js';
import { bucketLayout } from '../protocol/keys.js';
import { Coverage } from '../search/cache/coverage.js';
import { PackKeeper } from '../search/cache/pack-keeper.js';
import { changePurgeMark, readPurgeMark } from '../search/published/purge-mark.js';
import { type SharedPack, SharedPacks } from '../search/published/shared-packs.js';
import { knownFromHere } from './known-secrets.js';
import { redactorOf } from './redaction.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** The packs in the bucket, while this machine adds to them what none of them covers. */
export class SharedIndex {
  readonly coverage: Coverage;
  readonly keeper: PackKeeper;
  readonly #packs: SharedPacks;
  readonly #indexer: string;
  readonly #opened: readonly SharedPack[];

  private constructor(
    place: { readonly packs: SharedPacks; readonly indexer: string; readonly root: string },
    opened: readonly SharedPack[],
    keeper: PackKeeper,
  ) {
    this.#packs = place.packs;
    this.#indexer = place.indexer;
    this.#opened = opened;
    this.coverage = new Coverage(
      place.root,
      opened.map(({ pack }) => pack),
    );
    this.keeper = keeper;
  }

  static async open(bucket: Bucket, settings: Settings, env: Environment): Promise<SharedIndex> {
    const folder = destinationFolder(settings.stateFolder, bucket.location, settings.project);
    const indexer = await indexWriterName(nodeIo, folder);
    if (indexer === undefined) {
      throw new NotAllowedError(`cannot keep a name for this machine in ${folder}`);
    }
    const layout = bucketLayout(settings.project);
    const packs = new SharedPacks(bucket, layout);
    const mark = await readPurgeMark({ bucket, layout });
    const write = async (bytes: Buffer): Promise<void> => {
      if ((await packs.write(indexer, bytes, mark)) === undefined) throw purged();
    };
    const redactor = redactorOf(settings, knownFromHere(settings, env));
    const keeper = new PackKeeper({
      shelf: { write },
      root: layout.root,
      nowMs: (await bucket.now()).getTime(),
      isThorough: true,
      // A text may show a secret that its JSON hid.
      mayKeep: (rows) =>
        rows.every(({ text }) => redactor.redact(Buffer.from(text)).counts === undefined),
    });
    return new SharedIndex({ packs, indexer, root: layout.root }, await packs.open(), keeper);
  }

  /** `isWhole`: everything was listed, so this machine's packs with text that is gone can go. */
  async settle({ isWhole }: { readonly isWhole: boolean }): Promise<void> {
    await this.keeper.close();
    if (!isWhole || this.keeper.failure !== undefined) return;
    for (const one of this.#opened) {
      if (one.indexer !== this.#indexer) continue;
      if (this.coverage.isStale(one.pack)) await this.#packs.remove(one);
    }
  }

  /** All machines' packs. */
  sizes(): Promise<readonly { readonly size: number }[]> {
    return this.#packs.list();
  }
}

/** Removes all machines' packs from the bucket. */
export async function purgeShared(
  bucket: Bucket,
  { project }: Pick<Settings, 'project'>,
): Promise<readonly { readonly size: number }[]> {
  const layout = bucketLayout(project);
  await changePurgeMark({ bucket, layout });
  const packs = new SharedPacks(bucket, layout);
  const listed = await packs.list();
  await inParallel(listed, (one) => packs.remove(one));
  return listed;
}

function purged(): LostError {
  return new LostError('text was removed from the bucket meanwhile, so this pack was taken back', {
    hint: 'Run it again.',
  });
}
