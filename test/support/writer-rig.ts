import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket } from '../../src/bucket/bucket.js';
import { createLocalBucketIfMissing, openLocalBucket } from '../../src/bucket/local/bucket.js';
import { systemClock } from '../../src/clock.js';
import { type Io, nodeIo } from '../../src/io.js';
import { listStream, newestFirst } from '../../src/mirror/slots/listing.js';
import { readChain } from '../../src/mirror/slots/reader.js';
import { StreamMirror } from '../../src/mirror/slots/stream-mirror.js';
import type { UploadLimits, UploadResult } from '../../src/mirror/slots/upload.js';
import { type Verdict, verifyStream } from '../../src/mirror/slots/verify.js';
import { streamStateFile } from '../../src/mirror/state/stream-state.js';
import type { Redactor } from '../../src/redact/redact.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { jsonlStream } from './jsonl-stream.js';
import { createTemporaryFolder } from './temporary-folder.js';

export interface OpenOptions {
  readonly io?: Io;
  /** Name of the folder that local state is kept in. */
  readonly state?: string;
  /** Happens between what was read and the PUT of it. */
  readonly beforePut?: () => Promise<unknown>;
  readonly redactor?: Redactor;
}

const prefix = 'p/sessions/claude-code/s/';

/** One transcript on a real disk and the real writer that takes it into a bucket, without a watch loop around it. */
export class WriterRig {
  readonly folder: string;
  readonly path: string;
  readonly remove: () => Promise<void>;
  /** Every request so far: its name and the key's last step. */
  readonly requests: string[] = [];
  readonly troubles: unknown[] = [];
  readonly #bucket: Bucket;

  private constructor(folder: string, bucket: Bucket, remove: () => Promise<void>) {
    this.folder = folder;
    this.path = join(folder, 'source', 'session.jsonl');
    this.#bucket = bucket;
    this.remove = remove;
  }

  /** The bucket is a folder, unless another is given. */
  static async create(other?: Bucket): Promise<WriterRig> {
    const { path, remove } = await createTemporaryFolder();
    const root = join(path, 'bucket');
    await mkdir(join(path, 'source'));
    if (other !== undefined) return new WriterRig(path, other, remove);
    await createLocalBucketIfMissing(root);
    return new WriterRig(path, await openLocalBucket({ root }), remove);
  }

  statePath(state = 'state'): string {
    return join(this.folder, state, 'main');
  }

  open(options: OpenOptions = {}): StreamMirror {
    const { io = nodeIo, redactor = createRedactor() } = options;
    return new StreamMirror(
      () => ({
        bucket: this.#counted(options.beforePut),
        redactor,
        outline: () => undefined,
        clock: systemClock,
        who: 'tester@here',
        stateFile: streamStateFile(io, this.statePath(options.state), (error) =>
          this.troubles.push(error),
        ),
        prefix,
        isHeld: async () => true,
        isThorough: false,
        onConflict: async () => 'fork',
      }),
      jsonlStream(io, this.path, 's'),
    );
  }

  async verdict(): Promise<Verdict> {
    return verifyStream(this.#bucket, prefix, jsonlStream(nodeIo, this.path, 's'));
  }

  /** What a reader gets: the newest generation's parts, joined. */
  async archived(): Promise<Buffer> {
    const listing = await listStream(this.#bucket, prefix);
    const [newest = 0] = newestFirst(listing);
    const bodies: Buffer[] = [];
    for await (const { body } of readChain(this.#bucket, listing, newest)) bodies.push(body);
    return Buffer.concat(bodies);
  }

  /** The names of all objects of the stream. */
  async names(): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const entry of this.#bucket.list(prefix)) {
      if (entry.kind === 'object') names.push(entry.key.slice(prefix.length));
    }
    return names;
  }

  #counted(beforePut: OpenOptions['beforePut']): Bucket {
    const bucket = this.#bucket;
    const note = (name: string, key: string): void => {
      this.requests.push(`${name} ${key.slice(key.lastIndexOf('/') + 1)}`);
    };
    return {
      ...bucket,
      get: (key, options) => {
        note('GET', key);
        return bucket.get(key, options);
      },
      putIfAbsent: async (key, body, options) => {
        note('PUT', key);
        await beforePut?.();
        return bucket.putIfAbsent(key, body, options);
      },
      list: (under, options) => {
        note('LIST', under);
        return bucket.list(under, options);
      },
    };
  }
}

/** Looks and sends until nothing changes any more, as the loop does over time; fails when that never happens. */
export async function settle(
  mirror: StreamMirror,
  limits: UploadLimits = { partBytes: 2_000, parts: 100 },
): Promise<UploadResult['state']> {
  for (let round = 0; round < 20; round += 1) {
    const before = `${mirror.checkpoint?.generation}:${mirror.checkpoint?.sequence}`;
    await mirror.audit();
    const { state, more } = await mirror.upload(limits);
    const isQuiet = `${mirror.checkpoint?.generation}:${mirror.checkpoint?.sequence}` === before;
    if (isQuiet && !more && state !== 'unsteady') return state;
  }
  throw new Error('never comes to rest');
}
