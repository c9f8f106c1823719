// What the replay of a very large run costs: to write, to open, to search. Usage: npm run bench:replay [-- --events 100000]
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import { writeReport } from './machine.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    megabytes: { type: 'string', default: '200' },
  },
});
const events = Number(values.events);
const megabytes = Number(values.megabytes);
const sessions = 10;
const folder = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));

try {
  const { writeEvents, writeSession } = await load('test/support/generated-run.ts');
  const { launchChromium } = await load('test/support/browser.ts');
  const project = join(folder, 'bucket', 'run');
  await writeEvents(project, 'run', events);
  for (let index = 0; index < sessions; index += 1) {
    const agent = ['anna', 'ben', 'carla', 'dora'][index % 4];
    await writeSession(project, { id: `s${index}`, agent, bytes: (megabytes / sessions) * 1e6 });
  }
  const config = {
    backend: 'local',
    bucket: join(folder, 'bucket'),
    project: 'run',
    agent_id: 'anna',
  };
  await mkdir(join(folder, '.tracecraft'), { mode: 0o700 });
  await writeFile(join(folder, '.tracecraft', 'config.json'), JSON.stringify(config), {
    mode: 0o600,
  });
  const data_mb = round((await bytesBelow(project)) / 1e6);
  const node_mb = await run(process.execPath, ['-e', 'setTimeout(() => {}, 300)']);
  const writing = await writePage();
  const viewing = await view(launchChromium);
  const figures = {
    events,
    transcript_mb: megabytes,
    data_mb,
    node_peak_mb: node_mb,
    ...writing,
    ...viewing,
  };
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(28)} ${value}`);
  await writeReport('replay', figures);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function load(source) {
  const build = await rolldown({
    cwd: root,
    input: source,
    platform: 'node',
    external: ['playwright-core'],
  });
  const file = join(
    root,
    'node_modules',
    `.bench-${process.pid}-${source.replace(/\W/g, '-')}.mjs`,
  );
  await build.write({ file, format: 'esm' });
  await build.close();
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    await rm(file, { force: true });
  }
}

async function writePage() {
  const started = performance.now();
  const peak = await run(process.execPath, [join(root, 'bin', 'run.cjs'), 'replay', '-q']);
  const { size } = await stat(join(folder, 'replay.html'));
  return {
    write_s: round((performance.now() - started) / 1000),
    write_peak_mb: peak,
    page_mb: round(size / 1e6),
  };
}

/** The most memory that a process had, in MB. */
async function run(command, args) {
  const child = spawn(command, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: 'inherit',
  });
  let peak = 0;
  const timer = setInterval(async () => {
    peak = Math.max(peak, await residentMb(child.pid));
  }, 100);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
  return round(peak);
}

async function bytesBelow(path) {
  let bytes = 0;
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    bytes += entry.isDirectory() ? await bytesBelow(inner) : (await stat(inner)).size;
  }
  return bytes;
}

async function view(launchChromium) {
  const browser = await launchChromium();
  const page = await browser.newPage({ viewport: { width: 1400, height: 820 } });
  const started = performance.now();
  await page.goto(pathToFileURL(join(folder, 'replay.html')).href);
  await page.locator('#app[data-ready]').waitFor();
  const openS = (performance.now() - started) / 1000;
  await page.waitForTimeout(1_000);
  const filters = [];
  for (const query of ['99', 'note 999', 'anna', 'nothing fits', '']) {
    await page.locator('input[type=search]').fill(query);
    filters.push(Number(await page.locator('.count').getAttribute('data-filter-ms')));
  }
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const heap = await page.evaluate('performance.memory.usedJSHeapSize');
  const memory = await rendererMb();
  await browser.close();
  return {
    open_s: round(openS),
    filter_ms_slowest: round(Math.max(...filters)),
    page_heap_mb: round(heap / 1e6),
    renderer_mb: round(memory),
  };
}

async function rendererMb() {
  const lines = await output('ps', ['-eo', 'rss,args']);
  const sizes = lines
    .split('\n')
    .filter((line) => line.includes('--type=renderer'))
    .map((line) => Number.parseInt(line, 10) / 1000);
  return Math.max(0, ...sizes);
}

/** The kernel's own peak where it tells it, else what it has just now. */
async function residentMb(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const peak = /^VmHWM:\s*(\d+) kB/m.exec(status)?.[1];
  if (peak !== undefined) return Number(peak) / 1000;
  return Number.parseInt(await output('ps', ['-o', 'rss=', '-p', String(pid)]), 10) / 1000 || 0;
}

function output(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args);
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.once('close', () => resolve(text));
    child.once('error', () => resolve(''));
  });
}

function round(value) {
  return Math.round(value * 100) / 100;
}
