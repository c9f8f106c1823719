import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { bucketLayout, type Layout } from '../../src/protocol/keys.js';
import { type CliWorld, createCliWorld } from './run-cli.js';
import { type S3Fault, type S3ProxyRequest, startS3Proxy } from './s3-proxy.js';
import { s3Servers } from './s3-servers.js';
import { createTemporaryFolder } from './temporary-folder.js';

/** What happens to writes of some keys by one process. */
export type Mishap =
  /** It has decided to replace what is there, and does so when it is let go. The first such write alone. */
  | 'held'
  /** It is written, and its process learns nothing of that any more. */
  | 'unanswered'
  /** It is sent twice, and the second answer counts. */
  | 'twice';

export interface Trouble {
  /** For the process that is to have it. */
  readonly env: Readonly<Record<string, string>>;
  /** Resolves when it has happened; with `twice`, never. */
  readonly happened: Promise<void>;
  /** Ends it: what was held arrives now. */
  letGo(): void;
}

/** A bucket of one kind, with machines that share it. */
export interface Stage {
  readonly layout: Layout;
  /** As any other tool sees it. */
  readonly bucket: Bucket;
  /** A machine with a home folder of its own, whose config names the bucket. */
  machine(): Promise<CliWorld>;
  /** One at a time. */
  trouble(mishap: Mishap, keys: readonly string[]): Promise<Trouble>;
  close(): Promise<void>;
}

export interface StageKind {
  readonly name: string;
  open(): Promise<Stage>;
}

const servers = s3Servers().map(({ name, isShared, start }) => ({
  name,
  isShared,
  open: () => openS3Stage(start),
}));
const named = servers.filter(({ isShared }) => isShared);

/** A local bucket and the R2 simulator; the S3 server that the environment names, if it does, instead. */
export const stages: readonly StageKind[] =
  named.length > 0 ? named : [{ name: 'a local bucket', open: openLocalStage }, ...servers];

/** For a process whose clock is off. */
export function wrongClock(offMs: number): Readonly<Record<string, string>> {
  return { ...preloaded('wrong-clock.cjs'), TEST_CLOCK_OFF_MS: String(offMs) };
}

function preloaded(name: string): Readonly<Record<string, string>> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return { NODE_OPTIONS: `--require ${JSON.stringify(path)}` };
}

async function openLocalStage(): Promise<Stage> {
  const folder = await createTemporaryFolder();
  const root = join(folder.path, 'bucket');
  const machines = openMachines(['--backend', 'local', '--bucket', root]);
  await machines.add();
  const ends: (() => Promise<void>)[] = [];
  return {
    layout: bucketLayout(machines.project),
    bucket: await openLocalBucket({ root }),
    machine: machines.add,
    trouble: async (mishap, keys) => {
      const path = join(folder.path, randomBytes(4).toString('hex'));
      const { happened, letGo, end } = await openDoor(path);
      ends.push(end);
      const told = JSON.stringify({ mishap, keys, socket: path });
      const env = { ...preloaded('write-mishap.cjs'), TEST_WRITE_MISHAP: told };
      return { env, happened, letGo };
    },
    close: async () => {
      for (const end of ends) await end();
      await machines.remove();
      await folder.remove();
    },
  };
}

/** Where a process reports and waits for an answer. */
async function openDoor(path: string) {
  const waiting = new Set<Socket>();
  const server = createServer();
  const happened = new Promise<void>((resolve) => {
    server.on('connection', (socket) => {
      waiting.add(socket.on('error', () => undefined));
      resolve();
    });
  });
  server.listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    happened,
    letGo: () => {
      for (const socket of waiting) socket.write('go');
    },
    end: async () => {
      for (const socket of waiting) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(path, { force: true });
    },
  };
}

async function openS3Stage(start: ReturnType<typeof s3Servers>[number]['start']): Promise<Stage> {
  const server = await start();
  let onPut: ((put: S3ProxyRequest) => Promise<S3Fault | undefined>) | undefined;
  const proxy = await startS3Proxy(server.endpoint, {
    onRequest: async (request) => (request.kind === 'PUT' ? onPut?.(request) : undefined),
  });
  const { bucket: name, accessKey, secretKey, region, endpoint } = server;
  const where = ['--backend', 's3', '--bucket', name, '--endpoint', proxy.endpoint];
  const keys = ['--region', region, '--access-key', accessKey, '--secret-key', secretKey];
  const machines = openMachines([...where, ...keys]);
  const bucket = openS3Bucket({ endpoint, bucket: name, accessKey, secretKey, region });
  return {
    layout: bucketLayout(machines.project),
    bucket,
    machine: machines.add,
    trouble: async (mishap, meant) => {
      const { happened, letGo, decide } = mishapOfRequests(mishap, meant);
      onPut = decide;
      const end = (): void => {
        onPut = undefined;
        letGo();
      };
      return { env: {}, happened, letGo: end };
    },
    close: async () => {
      await machines.remove();
      await bucket.close();
      await proxy.stop();
      await server.stop();
    },
  };
}

/** By key: some stores refuse the first form of a conditional write, so one write may be several requests. */
function mishapOfRequests(mishap: Mishap, keys: readonly string[]) {
  let letGo = (): void => undefined;
  let tell = (): void => undefined;
  let isWritten = false;
  let isHeld = false;
  const go = new Promise<undefined>((resolve) => {
    letGo = () => resolve(undefined);
  });
  const happened = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const decide = async ({ key, headers }: S3ProxyRequest): Promise<S3Fault | undefined> => {
    if (keys.includes(key)) {
      if (mishap === 'twice') return { fault: 'twice' };
      isWritten = mishap === 'unanswered';
      if (isWritten || isHeld || headers['if-none-match'] !== undefined) return undefined;
      isHeld = true;
      tell();
      return go;
    }
    if (!isWritten) return undefined;
    // What follows the write never arrives.
    tell();
    return { fault: 'stall', when: 'before' };
  };
  return { happened, letGo: () => letGo(), decide };
}

function openMachines(init: readonly string[]) {
  const worlds: CliWorld[] = [];
  const project = `stage-${randomBytes(4).toString('hex')}`;
  return {
    project,
    add: async (): Promise<CliWorld> => {
      const world = await createCliWorld();
      worlds.push(world);
      const { code, stderr } = await world.run(['init', ...init, '--project', project]);
      if (code !== 0) throw new Error(`init: exit ${code}: ${stderr}`);
      return world;
    },
    remove: async (): Promise<void> => {
      for (const world of worlds) await world.remove();
    },
  };
}
