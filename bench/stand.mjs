import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { startProxy } from './proxy.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const bin = join(root, 'bin', 'run.cjs');
export const isFull = process.argv.includes('--full');

/**
 * An S3 server, a proxy before it that counts, and a home folder with a config for both. The server is the one that
 * TRACECRAFT_TEST_S3_* name; else Cloudflare's R2 simulator (workerd), a process of its own.
 */
export async function openStand({ latencyMs = 0 } = {}) {
  const server = await openServer();
  const proxy = await startProxy(server.endpoint, latencyMs);
  const folder = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
  const home = join(folder, 'home');
  const work = join(folder, 'work');
  await mkdir(home);
  await mkdir(work);
  const project = `bench-${randomBytes(5).toString('hex')}`;
  const env = { PATH: process.env.PATH ?? '', HOME: home, TZ: 'UTC', NO_COLOR: '1' };

  const start = (args, { agent, cwd = work, more = {} } = {}) =>
    spawn(process.execPath, [bin, ...args], {
      cwd,
      env: { ...env, ...(agent === undefined ? {} : { TRACECRAFT_AGENT: agent }), ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const run = (args, options) => finished(start(args, options));
  const init = async (endpoint, options = {}) => {
    const { bucket, region, accessKey, secretKey } = server;
    const where = ['--backend', 's3', '--bucket', bucket, '--endpoint', endpoint];
    const keys = ['--region', region, '--access-key', accessKey, '--secret-key', secretKey];
    const names = ['--project', project, '--agent', 'bench', '--force'];
    await must(run(['init', ...where, ...keys, ...names, ...(options.global ? ['--global'] : [])]));
  };
  return {
    server,
    proxy,
    home,
    work,
    project,
    env,
    start,
    run,
    init,
    /** What is said about the place of the figures. */
    about: () => ({ server: server.name, load_average: loadavg().map((one) => round(one, 2)) }),
    close: async () => {
      await proxy.stop();
      await server.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

export async function must(running) {
  const result = await running;
  if (result.code !== 0) throw new Error(`exit ${result.code}: ${result.stderr}${result.stdout}`);
  return result;
}

export function finished(child) {
  const out = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    out.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    out.stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...out }));
  });
}

/** CPU seconds and memory of a process, from /proc; `undefined` elsewhere than on Linux, or when it has ended. */
export async function usageOf(pid) {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? NaN);
    return {
      cpu_s: (Number(fields[11]) + Number(fields[12])) / 100,
      rss_mb: round(kilobytes('VmRSS') / 1024, 1),
      peak_rss_mb: round(kilobytes('VmHWM') / 1024, 1),
    };
  } catch {
    return undefined;
  }
}

/** Sources of the library, bundled, for what is measured without the command line. */
export async function loadLibrary(lines) {
  const folder = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
  const entry = join(folder, 'entry.ts');
  try {
    await writeFile(entry, lines.map((line) => line.replace('src/', `${root}/src/`)).join('\n'));
    const build = await rolldown({ cwd: root, input: entry, platform: 'node', logLevel: 'silent' });
    const file = join(folder, 'library.mjs');
    await build.write({ file, format: 'esm', codeSplitting: false });
    await build.close();
    return await import(pathToFileURL(file).href);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function openServer() {
  const named = (name) => process.env[`TRACECRAFT_TEST_S3_${name}`];
  if (named('ENDPOINT')) {
    return {
      name: process.env.TRACECRAFT_BENCH_SERVER ?? `S3 server at ${named('ENDPOINT')}`,
      endpoint: named('ENDPOINT'),
      bucket: named('BUCKET'),
      region: named('REGION') ?? 'us-east-1',
      accessKey: named('ACCESS_KEY'),
      secretKey: named('SECRET_KEY'),
      stop: async () => undefined,
    };
  }
  const keys = { bucket: 'bench', accessKey: 'testkey', secretKey: 'testsecret' };
  const scratch = await mkdtemp(join(tmpdir(), 'tracecraft-r2-'));
  const file = join(root, 'test', 'support', 'r2-server.mjs');
  const child = spawn(process.execPath, [file, JSON.stringify(keys)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
    env: { ...process.env, TMPDIR: scratch },
  });
  const [line] = await new Promise((resolve, reject) => {
    child.stdout.once('data', (chunk) => resolve(String(chunk).split('\n')));
    child.once('exit', () => reject(new Error('the R2 simulator did not start')));
  });
  return {
    name: "R2 simulator (Cloudflare's workerd, through miniflare)",
    endpoint: line,
    region: 'auto',
    ...keys,
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit').once('exit', resolve);
        child.stdin.end();
      }),
  };
}

/** Runs what is given with so many at once. */
export async function inParallel(count, width, act) {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const n = next;
      next += 1;
      await act(n);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** `p` from 0 to 1, of numbers in any order. */
export function quantile(numbers, p) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))];
}

export function round(number, digits = 0) {
  return Math.round(number * 10 ** digits) / 10 ** digits;
}
