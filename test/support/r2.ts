import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createTemporaryFolder } from './temporary-folder.js';

/** A running S3 server, and a bucket on it that exists. */
export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
}

const program = fileURLToPath(new URL('r2-server.mjs', import.meta.url));

/** Cloudflare's R2 simulator, empty, on a port of its own. */
export async function startR2(): Promise<S3Server> {
  const folder = await createTemporaryFolder();
  const settings = { bucket: 'tracecraft', accessKey: 'testkey', secretKey: 'testsecret' };
  // In a process group of its own: its server is a grandchild, which only the group reaches.
  const child = spawn(process.execPath, [program, JSON.stringify(settings)], {
    detached: true,
    env: { ...process.env, TMPDIR: folder.path },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stop = async (): Promise<void> => {
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await folder.remove();
  };
  try {
    const endpoint = await firstLine(child);
    return { endpoint, region: 'auto', ...settings, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  const complaints: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => complaints.push(chunk));
  if (child.stdout === null) throw new Error('the R2 simulator has no stdout');
  const lines = createInterface({ input: child.stdout });
  const line = new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    child.once('error', reject);
    child.once('exit', () =>
      reject(new Error(`the R2 simulator did not start: ${Buffer.concat(complaints)}`)),
    );
  });
  return line;
}
