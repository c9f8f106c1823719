import { rmSync } from 'node:fs';
import { loadMiniflare } from './r2/install.mjs';

/**
 * Cloudflare's R2 simulator as a process of its own, started by r2.ts. It lives as long as its stdin is open, so it ends with
 * the process that started it, however that one ends; its server is a child that would otherwise outlive it.
 */
const Miniflare = await loadMiniflare();
const { bucket, accessKey, secretKey } = JSON.parse(process.argv[2] ?? '{}');

const miniflare = new Miniflare({
  host: '127.0.0.1',
  port: 0,
  cf: false,
  modules: true,
  script: 'export default {fetch() {return new Response("ok")}}',
  compatibilityDate: '2026-01-01',
  r2Buckets: {
    B0: { id: bucket, s3Credentials: { accessKeyId: accessKey, secretAccessKey: secretKey } },
  },
  r2Persist: false,
});

process.stdin.once('end', end).resume();
const { origin } = await miniflare.ready;
process.stdout.write(`${origin}/cdn-cgi/local/r2/s3\n`);

async function end() {
  const deadline = setTimeout(endGroup, 3_000);
  await miniflare.dispose().catch(() => undefined);
  clearTimeout(deadline);
  endGroup();
}

function endGroup() {
  if (process.env.TMPDIR) rmSync(process.env.TMPDIR, { recursive: true, force: true });
  process.kill(-process.pid, 'SIGKILL');
}
