// What a one-shot command costs beside Node itself. Usage: npm run bench:startup [-- --rounds 20]
// Rounds are interleaved, so that a busy moment of the machine hits all cases alike; CPU time is the steadier column.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = join(root, 'bin', 'run.cjs');
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number');

/** The first is what the others are compared with. */
const commands = [
  { name: 'node -e 0', args: ['-e', '0'] },
  { name: 'tracecraft --version', args: [bin, '--version'] },
  { name: 'tracecraft --help', args: [bin, '--help'] },
  { name: 'tracecraft trust --list', args: [bin, 'trust', '--list'] },
];

/** Node 20 reads the file that NODE_EXTRA_CA_CERTS names at every start. */
const certificates = [
  process.env.NODE_EXTRA_CA_CERTS,
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/cert.pem',
].find((file) => file !== undefined && existsSync(file));

const home = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
try {
  const cases = prepareCases();
  for (const one of cases) measure(one);
  for (let round = 0; round < rounds; round += 1) {
    for (const one of cases) one.samples.push(measure(one));
  }
  const results = summarise(cases);
  printTable(results);
  await writeResults(results);
} finally {
  await rm(home, { recursive: true, force: true });
}

function prepareCases() {
  const settings = certificates === undefined ? [false] : [false, true];
  return settings.flatMap((withCertificates) =>
    commands.map(({ name, args }) => ({ name, args, withCertificates, samples: [] })),
  );
}

/** Milliseconds by the shell's own clock and by what the kernel charged the child: user and system together. */
function measure({ args, withCertificates }) {
  const env = { PATH: process.env.PATH ?? '', HOME: home };
  if (withCertificates) env.NODE_EXTRA_CA_CERTS = certificates;
  const script = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" >/dev/null 2>&1; } 2>&1';
  const output = execFileSync('bash', ['-c', script, 'bash', process.execPath, ...args], {
    env,
    cwd: home,
    encoding: 'utf8',
  });
  const [wall, user, system] = output.trim().split(' ').map(Number);
  if (![wall, user, system].every(Number.isFinite)) throw new Error(`no times in: ${output}`);
  return { wallMs: wall * 1000, cpuMs: (user + system) * 1000 };
}

function summarise(cases) {
  return cases.map(({ name, withCertificates, samples }) => {
    const bare = cases.find((one) => one.withCertificates === withCertificates);
    const cpuMs = median(samples.map((sample) => sample.cpuMs));
    return {
      name,
      extraCaCerts: withCertificates,
      wallMs: median(samples.map((sample) => sample.wallMs)),
      cpuMs,
      timesBareCpu: cpuMs / median(bare.samples.map((sample) => sample.cpuMs)),
      timesBareWall:
        median(samples.map((sample) => sample.wallMs)) /
        median(bare.samples.map((sample) => sample.wallMs)),
      samples,
    };
  });
}

function printTable(results) {
  const rows = [
    ['case', 'extra CA', 'wall ms', 'CPU ms', '× bare wall', '× bare CPU'],
    ...results.map((result) => [
      result.name,
      result.extraCaCerts ? 'set' : 'unset',
      result.wallMs.toFixed(0),
      result.cpuMs.toFixed(0),
      result.timesBareWall.toFixed(2),
      result.timesBareCpu.toFixed(2),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) {
    console.log(
      row
        .map((cell, column) =>
          column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
        )
        .join('  '),
    );
  }
}

async function writeResults(results) {
  const [cpu] = cpus();
  const machine = {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()}`,
    node: process.version,
  };
  const file = join(root, 'bench', 'results', 'startup.json');
  await mkdir(dirname(file), { recursive: true });
  const report = { bench: 'startup', at: new Date().toISOString(), rounds, machine, results };
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
