// What a user would pick instead, at the same work, as far as it is installed here: `aws s3 sync` and `rclone sync` for the mirror,
// ripgrep for searching, ccusage for tokens. Python with click and boto3 is in bench:startup. Usage: npm run bench:peers
// ccusage is looked for in TRACECRAFT_BENCH_CCUSAGE, the folder of its package (npm install ccusage).
import { execFile } from 'node:child_process';
import { appendFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeReport } from './machine.mjs';
import { bin, must, openStand, round } from './stand.mjs';
import { rowOf } from './watching.mjs';

const sessions = 200;
const rowsEach = 100;
const run = promisify(execFile);
const stand = await openStand();
const files = [];

try {
  await stand.init(stand.proxy.endpoint, { global: true });
  const transcripts = join(stand.home, '.claude', 'projects', '-work');
  await writeTranscripts(transcripts);
  const [{ file, id }] = files;
  const size = round((await stat(file)).size / 1e3);
  const table = [];

  for (const peer of await mirrors(transcripts)) {
    await measured(peer);
    await appendFile(file, rowOf(id, 'one more line'));
    table.push({
      work: `one new line in ${sessions} transcripts (its file: ${size} KB)`,
      ...(await measured(peer)),
    });
  }
  const own = { tool: 'tracecraft', env: stand.env };
  await must(stand.run(['search', 'needle']));
  table.push({
    work: 'a word in all of them',
    ...(await measured({
      ...own,
      file: process.execPath,
      args: [bin, 'search', 'needle'],
      does: 'sessions of every machine',
    })),
  });
  table.push({
    work: 'a word in all of them',
    ...(await measured({
      tool: await versionOf('rg', /\d+\.\d+\.\d+/),
      file: 'rg',
      args: ['-c', 'needle', transcripts],
      does: 'files of this machine',
    })),
  });
  table.push({
    work: 'tokens by month',
    ...(await measured({
      ...own,
      file: process.execPath,
      args: [bin, 'usage'],
      does: 'sessions of every machine',
    })),
  });
  const ccusage = await ccusageHere();
  if (ccusage === undefined) console.error('SKIPPED: ccusage is not installed');
  else table.push({ work: 'tokens by month', ...(await measured(ccusage)) });
  console.table(table);
  await writeReport('peers', { ...stand.about(), sessions, rows_each: rowsEach, table });
} finally {
  await stand.close();
}

async function writeTranscripts(folder) {
  await mkdir(folder, { recursive: true });
  for (let n = 0; n < sessions; n += 1) {
    const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    const file = join(folder, `${id}.jsonl`);
    const rows = Array.from({ length: rowsEach }, (_, row) => rowFor(id, n, row));
    await writeFile(file, rows.join(''));
    files.push({ id, file });
  }
}

function rowFor(id, session, row) {
  const text = `${'what was read and what it says '.repeat(8)}${session === 7 && row === 5 ? 'needle' : ''}`;
  if (row % 2 === 0) return rowOf(id, text);
  const usage = { input_tokens: 10, output_tokens: 20, cache_read_input_tokens: 100 };
  const message = {
    id: `msg-${session}-${row}`,
    role: 'assistant',
    model: 'claude-sonnet-4-5',
    usage,
    content: [{ type: 'text', text }],
  };
  const about = {
    type: 'assistant',
    sessionId: id,
    cwd: '/work',
    requestId: `req-${session}-${row}`,
  };
  return `${JSON.stringify({ ...about, timestamp: new Date().toISOString(), message })}\n`;
}

async function mirrors(folder) {
  const { bucket, region, accessKey, secretKey } = stand.server;
  const env = { ...stand.env, AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey };
  const { endpoint } = stand.proxy;
  const remote = `:s3,provider=Other,env_auth=true,region=${region},endpoint='${endpoint}':${bucket}/${stand.project}-rclone`;
  return [
    {
      tool: 'tracecraft',
      env: stand.env,
      file: process.execPath,
      args: [bin, 'watch', '--once', '--all-projects', '--quiet'],
      does: 'redacted, only what is new',
    },
    {
      tool: await versionOf('/usr/bin/aws', /\d+\.\d+\.\d+/),
      env,
      file: '/usr/bin/aws',
      args: [
        's3',
        'sync',
        folder,
        `s3://${bucket}/${stand.project}-aws`,
        '--endpoint-url',
        endpoint,
        '--region',
        region,
        '--only-show-errors',
      ],
      does: 'unredacted, the whole file again',
    },
    {
      tool: await versionOf('rclone', /\d+\.\d+\.\d+/),
      env,
      file: 'rclone',
      args: ['sync', folder, remote, '--s3-no-check-bucket'],
      does: 'unredacted, the whole file again',
    },
  ].filter(({ tool }) => tool !== undefined);
}

/** CPU time is the kernel's for the process and what it started; requests and bytes are what the proxy saw. */
async function measured({ tool, file, args, env = stand.env, does }) {
  stand.proxy.reset();
  const script = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" >/dev/null 2>&1; } 2>&1; echo $?';
  const { stdout } = await run('bash', ['-c', script, 'bash', file, ...args], {
    env,
    cwd: stand.work,
  });
  const [wall, user, system, code] = stdout.trim().split(/\s+/).map(Number);
  if (code !== 0) throw new Error(`${tool} ended with exit code ${code}`);
  const { seen } = stand.proxy.state;
  const puts = seen.filter(({ kind }) => kind === 'PUT').length;
  return {
    tool,
    wall_s: round(wall, 2),
    cpu_s: round(user + system, 2),
    requests: seen.length,
    puts,
    does,
  };
}

async function versionOf(file, pattern) {
  try {
    const { stdout } = await run(file, [file === 'rclone' ? 'version' : '--version']);
    return `${file.split('/').at(-1)} ${pattern.exec(stdout)?.[0]}`;
  } catch {
    console.error(`SKIPPED: ${file} is not installed`);
    return undefined;
  }
}

async function ccusageHere() {
  const folder = process.env.TRACECRAFT_BENCH_CCUSAGE;
  if (folder === undefined) return undefined;
  const { version, bin: names } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const entry = typeof names === 'string' ? names : names.ccusage;
  return {
    tool: `ccusage ${version}`,
    file: process.execPath,
    args: [join(folder, entry), 'monthly', '--offline'],
    does: 'files of this machine',
  };
}
