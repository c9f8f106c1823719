// What a one-shot command costs beside Node itself, with an S3 server on this machine. Usage: npm run bench:startup [-- --rounds 20]
// Rounds are interleaved, so that a busy moment of the machine hits all cases alike; CPU time is the steadier column.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeReport } from './machine.mjs';
import { bin, isFull, must, openStand, quantile, root, round } from './stand.mjs';

const at = process.argv.indexOf('--rounds');
const rounds = at === -1 ? (isFull ? 25 : 9) : Number(process.argv[at + 1]);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number');
/** Node 20 reads the file that NODE_EXTRA_CA_CERTS names at every start, for 30 to 45 ms. */
const certificates = [
  process.env.NODE_EXTRA_CA_CERTS,
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/cert.pem',
].find((file) => file !== undefined && existsSync(file));
const stand = await openStand();

try {
  await stand.init(stand.server.endpoint);
  await must(stand.run(['memory', 'set', 'k', '{"port": 8080}']));
  await must(stand.run(['claim', 'mine']));
  const cases = [...nodeCases(), ...pythonCases()].map((one) => ({ ...one, samples: [] }));
  for (let n = 0; n < 2; n += 1) for (const one of cases) measure(one);
  for (let n = 0; n < rounds; n += 1) for (const one of cases) one.samples.push(measure(one));
  const table = cases.map((one) => summaryOf(one, cases));
  console.table(table);
  const samples = cases.map(({ name, extraCa, samples: own }) => ({ name, extraCa, samples: own }));
  await writeReport('startup', { full: isFull, ...stand.about(), rounds, table, samples });
} finally {
  await stand.close();
}

function nodeCases() {
  const commands = [
    ['node -e 0', ['-e', '0']],
    ['--version', [bin, '--version']],
    ['--help', [bin, '--help']],
    ['claim', [bin, 'claim', 'mine']],
    ['memory get', [bin, 'memory', 'get', 'k']],
    ['send', [bin, 'send', '--all', 'hello']],
    ['inbox', [bin, 'inbox', '--new']],
    ['status', [bin, 'status']],
  ];
  return (certificates === undefined ? [false] : [false, true]).flatMap((extraCa) =>
    commands.map(([name, args]) => ({ name, extraCa, file: process.execPath, args, env: {} })),
  );
}

/** The same request by click and boto3, where Python has them. */
function pythonCases() {
  try {
    execFileSync('python3', ['-c', 'import click, boto3'], { stdio: 'ignore' });
  } catch {
    console.error('SKIPPED: no comparison with click and boto3: python3 here does not have them');
    return [];
  }
  const { endpoint, region, bucket, accessKey, secretKey } = stand.server;
  const where = ['--endpoint', endpoint, '--region', region, '--bucket', bucket];
  const key = `${stand.project}/memory/k.json`;
  const args = [join(root, 'bench', 'startup_compare.py'), ...where, key];
  const env = { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey };
  return [{ name: 'click + boto3 get', extraCa: false, file: 'python3', args, env }];
}

/** Milliseconds by the shell's own clock and by what the kernel charged the child: user and system together. */
function measure({ name, extraCa, file, args, env: more }) {
  const env = { ...stand.env, ...more };
  if (extraCa) env.NODE_EXTRA_CA_CERTS = certificates;
  const script = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" >/dev/null 2>&1; } 2>&1; echo $?';
  const output = execFileSync('bash', ['-c', script, 'bash', file, ...args], {
    env,
    cwd: stand.work,
    encoding: 'utf8',
  });
  const [wall, user, system, code] = output.trim().split(/\s+/).map(Number);
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}`);
  return { wall_ms: round(wall * 1000), cpu_ms: round((user + system) * 1000) };
}

function summaryOf({ name, extraCa, samples }, cases) {
  const median = (own, field) =>
    quantile(
      own.map((one) => one[field]),
      0.5,
    );
  const bare = cases.find((one) => one.extraCa === extraCa).samples;
  const cpu = median(samples, 'cpu_ms');
  return {
    case: name,
    extra_ca: extraCa,
    wall_ms: median(samples, 'wall_ms'),
    cpu_ms: cpu,
    times_bare_wall: round(median(samples, 'wall_ms') / median(bare, 'wall_ms'), 2),
    times_bare_cpu: round(cpu / median(bare, 'cpu_ms'), 2),
  };
}
