import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket } from '../../src/bucket/bucket.js';
import { createLocalBucketIfMissing, openLocalBucket } from '../../src/bucket/local/bucket.js';
import { withRetry } from '../../src/bucket/retry.js';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { systemClock } from '../../src/clock.js';
import type { CoordinationContext } from '../../src/coordination/context.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { s3Servers } from './s3-servers.js';
import { createTemporaryFolder } from './temporary-folder.js';

/** A real bucket with one agent at it, and a folder on the disk beside it. */
export interface ArtifactRig {
  readonly context: CoordinationContext;
  readonly bucket: Bucket;
  /** Empty, for files to come and go. */
  readonly folder: string;
  keys(prefix?: string): Promise<string[]>;
  /** The bodies of all events, in order. */
  events(): Promise<Record<string, unknown>[]>;
  remove(): Promise<void>;
}

export interface RigKind {
  readonly name: string;
  start(): Promise<() => Promise<ArtifactRig>>;
  stop(): Promise<void>;
}

/** A folder as a bucket, and every S3 server that the suites are run against. */
export function rigKinds(): readonly RigKind[] {
  return [local(), ...s3Servers().map(onServer)];
}

function local(): RigKind {
  return {
    name: 'a local bucket',
    start: async () => async () => {
      const { path, remove } = await createTemporaryFolder();
      const root = join(path, 'bucket');
      await createLocalBucketIfMissing(root);
      return createRig(await openLocalBucket({ root }), path, remove);
    },
    stop: async () => undefined,
  };
}

function onServer({ name, start }: ReturnType<typeof s3Servers>[number]): RigKind {
  let stop = async (): Promise<void> => undefined;
  return {
    name,
    start: async () => {
      const server = await start();
      stop = server.stop;
      return async () => {
        const { path, remove } = await createTemporaryFolder();
        return createRig(openS3Bucket(server), path, remove);
      };
    },
    stop: () => stop(),
  };
}

async function createRig(
  plain: Bucket,
  path: string,
  remove: () => Promise<void>,
): Promise<ArtifactRig> {
  const bucket = withRetry(plain, { clock: systemClock, attempts: 3, baseMs: 20, maxMs: 200 });
  const layout = bucketLayout(`demo-${randomBytes(4).toString('hex')}`);
  const folder = join(path, 'files');
  await mkdir(folder);
  const keys: ArtifactRig['keys'] = async (prefix = layout.root) => {
    const found: string[] = [];
    for await (const entry of bucket.list(prefix)) {
      if (entry.kind === 'object') found.push(entry.key);
    }
    return found;
  };
  return {
    context: { bucket, layout, agent: 'designer', host: 'box', clock: systemClock },
    bucket,
    folder,
    keys,
    events: async () => {
      const all = await keys(layout.events());
      const bodies = await Promise.all(all.map((key) => bucket.get(key)));
      return bodies.map((stored) => JSON.parse(stored?.body.toString('utf8') ?? 'null'));
    },
    remove: async () => {
      await bucket.close();
      await remove();
    },
  };
}
