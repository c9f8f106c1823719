// Draws the README's pictures from the built command line. Usage: npm run pictures [-- --check]
// With --check it compares what two runs have in common: the terminal's text, and the text in the replay's window.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { chromiumPath, launchChromium } from './chromium.mjs';
import { recordTerminal, terminalSvg } from './terminal.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'docs', 'pictures');
const isCheck = process.argv.includes('--check');
const scratch = await mkdtemp(join(tmpdir(), 'pictures-'));

try {
  const stale = [];
  const home = join(scratch, 'home');
  await mkdir(home);
  await keep('watch.svg', terminalSvg(await recordTerminal(root, home)), stale);
  if (chromiumPath === undefined) {
    console.log(
      'replay.png: SKIPPED, no Chromium here (Debian: apt-get install chromium; or set CHROMIUM)',
    );
  } else {
    const { text, picture } = await drawReplay();
    await keep('replay.txt', text, stale);
    if (!isCheck) await writeFile(join(folder, 'replay.png'), picture);
  }
  if (stale.length > 0) {
    console.error(
      `stale: ${stale.join(', ')} in docs/pictures. Run "npm run pictures" and look at them.`,
    );
    process.exitCode = 1;
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function keep(name, content, stale) {
  const path = join(folder, name);
  if (!isCheck) {
    await mkdir(folder, { recursive: true });
    await writeFile(path, content);
    return;
  }
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present === content) return;
  stale.push(name);
  console.error(`--- ${name}, as it would be drawn now\n${content}`);
}

/** The demo's run, whose last step is blocked: the text of that event, and a picture of the tool call that caused it. */
async function drawReplay() {
  const demo = join(scratch, 'shop');
  const args = [join(root, 'bin', 'run.cjs'), 'demo', '--folder', demo, '--no-open'];
  const env = { PATH: process.env.PATH, HOME: join(scratch, 'demo-home') };
  await promisify(execFile)(process.execPath, args, { env, cwd: scratch });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({
      viewport: { width: 1280, height: 720 },
      deviceScaleFactor: 1.5,
      timezoneId: 'UTC',
      locale: 'en-GB',
      colorScheme: 'light',
    });
    await page.goto(pathToFileURL(join(demo, 'replay.html')).href);
    await page.locator('#app[data-ready]').waitFor();
    await page.getByRole('button', { name: /1 blocked/ }).click();
    const cause = page.getByRole('button', { name: /Open the tool call/ });
    await cause.waitFor();
    const text = await page.locator('#app').innerText();
    await cause.click();
    await page.locator('.entry.target', { hasText: '--blocked --note' }).waitFor();
    await page.evaluate(hideFolder, demo);
    return { text: comparable(text, demo), picture: await page.screenshot() };
  } finally {
    await browser.close();
  }
}

/** Runs in the page: a picture for everyone names no folder of this machine. */
function hideFolder(folder) {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    node.data = node.data.replaceAll(folder, '/home/alex/shop');
  }
}

/** Two runs differ in their times and places. Below the link to its cause, an event shows its JSON, which is for other tests. */
function comparable(text, demo) {
  const lines = text
    .replace(/^(.*Open the tool call[^\n]*).*$/s, '$1')
    .replaceAll(demo, '/home/alex/shop')
    .replace(/\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?/g, 'TIME')
    .replace(/\b\d{2}:\d{2}(:\d{2})?\b/g, 'TIME')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter(Boolean);
  return `${lines.join('\n')}\n`;
}
