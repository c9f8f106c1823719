import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('.', import.meta.url));
const require = createRequire(import.meta.url);

/**
 * Cloudflare's R2 simulator. Its makers ask for Node 22 and it runs on Node 20 all the same, so it is no dependency of the
 * package, where `npm ci` would warn of it, but is installed here from a lockfile of its own when a test first needs it.
 */
export async function loadMiniflare() {
  if (!isInstalled()) await install();
  return require('miniflare').Miniflare;
}

/** Run by vitest before the first test, whose time it would take. Tests of R2 say it themselves if it fails. */
export async function setup() {
  if (!isInstalled()) await install().catch((error) => process.stderr.write(`${error}\n`));
}

function isInstalled() {
  try {
    require.resolve('miniflare');
    return true;
  } catch {
    return false;
  }
}

/** Beside its place, and moved there whole: another process may be doing the same. */
async function install() {
  const place = await mkdtemp(join(folder, '.install-'));
  try {
    for (const file of ['package.json', 'package-lock.json']) {
      await copyFile(join(folder, file), join(place, file));
    }
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
    await promisify(execFile)('npm', ['ci', ...flags], { cwd: place });
    await rename(join(place, 'node_modules'), join(folder, 'node_modules')).catch((error) => {
      if (!isInstalled()) throw error;
    });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
