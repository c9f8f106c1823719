// What one-shot commands cost beside Node itself and beside the least that click and boto3 cost, with an S3 server on this machine.
// Usage: npm run bench:startup [-- --full | --rounds 20 | --only claim,send]
// Rounds are interleaved, so that a busy moment of the machine hits all cases alike; CPU time is the steadier column.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeReport } from './machine.mjs';
import { oneShots, prepare, session } from './one-shots.mjs';
import { bin, isFull, must, openStand, quantile, root, round } from './stand.mjs';

const rounds = Number(option('--rounds') ?? (isFull ? 15 : 3));
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number');
const only = option('--only')?.split(',');
/** Node 20 reads the file that NODE_EXTRA_CA_CERTS names at every start, for 30 to 45 ms. */
const certificates = [
  process.env.NODE_EXTRA_CA_CERTS,
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/cert.pem',
].find((file) => file !== undefined && existsSync(file));
/** Where a distribution's packages of click and boto3 are, before any other. */
const python = ['/usr/bin/python3', 'python3'].find(hasClickAndBoto3);
const bare = { name: 'node -e 0', file: process.execPath, args: () => ['-e', '0'] };
const stand = await openStand();

try {
  await stand.init(stand.server.endpoint);
  await prepare(stand);
  const cases = [...ownCases(), ...pythonCases()].map((one) => ({ ...one, samples: [] }));
  // The first runs fill the code cache; what they take is not counted.
  for (let n = 0; n < rounds + 2; n += 1) {
    for (const one of cases) {
      const sample = await measure(one, n);
      if (n >= 2) one.samples.push(sample);
    }
  }
  const table = cases.map((one) => summaryOf(one, cases));
  console.table(table);
  const samples = cases.map(({ name, extraCa, samples: own }) => ({ name, extraCa, samples: own }));
  if (only === undefined) {
    const versions = python === undefined ? {} : { compared_with: pythonVersions() };
    await writeReport('startup', {
      full: isFull,
      ...stand.about(),
      ...versions,
      rounds,
      table,
      samples,
    });
  }
} finally {
  await stand.close();
}

function ownCases() {
  const wanted = oneShots.filter(({ name }) => only === undefined || only.includes(name));
  const plain = [
    bare,
    { name: '--version', args: () => ['--version'] },
    { name: '--help', args: () => ['--help'] },
    ...wanted,
  ];
  const withCertificates = [bare, ...wanted.filter(({ name }) => name === 'memory get')];
  const own = (one, extraCa) => ({
    ...one,
    extraCa,
    file: process.execPath,
    args: one === bare ? bare.args : (n) => [bin, ...one.args(n)],
  });
  return [
    ...plain.map((one) => own(one, false)),
    ...(certificates === undefined || only !== undefined
      ? []
      : withCertificates.map((one) => own(one, true))),
  ];
}

/** The same requests by click and boto3, where Python has them. */
function pythonCases() {
  if (python === undefined) {
    console.error('SKIPPED: no comparison with click and boto3: python3 here does not have them');
    return [];
  }
  const { endpoint, region, bucket, accessKey, secretKey } = stand.server;
  const where = ['--endpoint', endpoint, '--region', region, '--bucket', bucket];
  const script = join(root, 'bench', 'startup_compare.py');
  const env = { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey };
  const memory = `${stand.project}/memory/k.json`;
  const keys = {
    get: () => memory,
    put: (n) => `${stand.project}/compared/put-${n}.json`,
    create: (n) => `${stand.project}/compared/create-${n}.json`,
    replace: () => `${stand.project}/compared/put-s0.json`,
    read: () => memory,
  };
  return Object.entries(keys).map(([operation, keyOf]) => ({
    name: `click + boto3 ${operation}`,
    extraCa: false,
    file: python,
    args: (n) => [script, ...where, operation, keyOf(n)],
    env,
  }));
}

/** Milliseconds by the shell's own clock and by what the kernel charged the child: user and system together. */
async function measure({ name, extraCa, file, args, before, env: more }, n) {
  const env = { ...stand.env, ...session, ...more };
  const run = `${extraCa ? 'x' : 's'}${n}`;
  if (extraCa) env.NODE_EXTRA_CA_CERTS = certificates;
  if (before !== undefined) await must(stand.run(before(run), { more: session }));
  const script = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" >/dev/null 2>&1; } 2>&1; echo $?';
  const output = execFileSync('bash', ['-c', script, 'bash', file, ...args(run)], {
    env,
    cwd: stand.work,
    encoding: 'utf8',
    input: '',
  });
  const [wall, user, system, code] = output.trim().split(/\s+/).map(Number);
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}`);
  return { wall_ms: round(wall * 1000), cpu_ms: round((user + system) * 1000) };
}

function summaryOf({ name, extraCa, like, samples }, cases) {
  const cpuOf = ({ samples: own }) => median(own, 'cpu_ms');
  const node = cases.find((one) => one.extraCa === extraCa);
  const peer = cases.find((one) => one.name === `click + boto3 ${like}`);
  const cpu = median(samples, 'cpu_ms');
  return {
    case: name,
    extra_ca: extraCa,
    wall_ms: median(samples, 'wall_ms'),
    cpu_ms: cpu,
    times_bare_wall: round(median(samples, 'wall_ms') / median(node.samples, 'wall_ms'), 2),
    times_bare_cpu: round(cpu / cpuOf(node), 2),
    compared_with: like,
    of_its_cpu: peer === undefined ? undefined : round(cpu / cpuOf(peer), 2),
  };
}

function median(samples, field) {
  return quantile(
    samples.map((one) => one[field]),
    0.5,
  );
}

function hasClickAndBoto3(file) {
  try {
    execFileSync(file, ['-c', 'import click, boto3'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function pythonVersions() {
  const script =
    'import sys, click, boto3; print(sys.version.split()[0], click.__version__, boto3.__version__)';
  const [own, click, boto3] = execFileSync(python, ['-c', script], { encoding: 'utf8' })
    .trim()
    .split(' ');
  return { python: own, click, boto3 };
}

function option(name) {
  const at = process.argv.indexOf(name);
  return at === -1 ? undefined : process.argv[at + 1];
}
