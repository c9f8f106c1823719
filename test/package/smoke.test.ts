import { copyFile, cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aiTitleRow, ClaudeTree, sessionUuid, userRow } from '../support/claude-tree.js';
import { CodexTree, metaRow, threadUuid, turnRow, userItem } from '../support/codex-tree.js';
import { HermesStore } from '../support/hermes-home.js';
import { startHub } from '../support/hub/hub.js';
import {
  Installation,
  nodeOf,
  packPackage,
  type RunOptions,
} from '../support/installed-package.js';
import { headerEvent, userEvent } from '../support/openclaw-database.js';
import { OpenClawState } from '../support/openclaw-state.js';
import { startR2 } from '../support/r2.js';
import { type CliResult, repositoryRoot } from '../support/run-cli.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { packed, skippable } from '../support/zstd-frames.js';

const secret = `ghp_${'aB3dE5gH7jK9'.repeat(3)}`;
/** Major versions such as `20,24`, each had from the registry; without any, the Node that runs the tests. */
const majors = process.env.TRACECRAFT_NODES?.split(',') ?? [undefined];
const ids = {
  'claude-code': sessionUuid(),
  codex: threadUuid(),
  hermes: '20261122_061556_ab12cd',
  openclaw: '5f0c6a52-7f0e-4c3b-9b1e-2a6f0c4d8e11',
};

let folder: string;
let removeFolder: () => Promise<void>;
let tarball: string;
let home: string;
const closing: (() => void)[] = [];

beforeAll(async () => {
  ({ path: folder, remove: removeFolder } = await createTemporaryFolder());
  tarball = await packPackage(folder);
  home = join(folder, 'home');
  await mkdir(home);
  await writeSessions();
}, 120_000);

afterAll(async () => {
  for (const close of closing) close();
  await removeFolder();
});

/** One session of each harness, in each kind of storage; the databases stay open, as their harness keeps them. */
async function writeSessions(): Promise<void> {
  const context = { sessionId: ids['claude-code'], cwd: '/work/shop' };
  const claude = await ClaudeTree.create();
  await claude
    .session('/work/shop', context.sessionId)
    .append(userRow(`deploy with ${secret}`, context), aiTitleRow('Deploy', context.sessionId));
  await cp(claude.config, join(home, '.claude'), { recursive: true });
  await claude.remove();
  const rollout = CodexTree.at(home).rollout(ids.codex);
  const rows = [metaRow(ids.codex), turnRow('gpt-5'), userItem(`use ${secret}`)];
  await rollout.append(...rows);
  const content = await readFile(rollout.path);
  await rollout.pack(content);
  // In frames, as an appending packer leaves them: some versions of Node stop after the first.
  const half = content.indexOf('\n') + 1;
  const frames = [packed(content.subarray(0, half)), skippable(9), packed(content.subarray(half))];
  await writeFile(rollout.packedPath, Buffer.concat(frames));
  await mkdir(join(home, '.hermes'));
  const hermes = new HermesStore(join(home, '.hermes', 'state.db'));
  hermes.session(ids.hermes, { cwd: '/work/shop' }).say(ids.hermes, 'user', `take ${secret}`);
  closing.push(() => hermes.close());
  const agent = OpenClawState.in(home).agent();
  const database = await agent.database();
  database.append(ids.openclaw, headerEvent(ids.openclaw), userEvent(`try ${secret}`));
  closing.push(() => agent.close());
}

interface Expected {
  readonly code?: number;
  readonly agent?: string;
  readonly input?: string;
  /** tracecraft itself has something to warn of; Node never has. */
  readonly warns?: boolean;
}

/** A user with a project, and commands that must end as expected and warn of nothing. */
class User {
  readonly installation: Installation;
  readonly project: string;
  readonly env: Readonly<Record<string, string>>;

  constructor(installation: Installation, place: string, env: Readonly<Record<string, string>>) {
    this.installation = installation;
    this.project = join(place, 'project');
    this.env = { HOME: home, TRACECRAFT_HOME: join(place, 'state'), ...env };
  }

  async run(
    line: string,
    { code = 0, agent = 'designer', input, warns = false }: Expected = {},
  ): Promise<CliResult> {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word);
    const env = { ...this.env, TRACECRAFT_AGENT: agent };
    const options: RunOptions = {
      cwd: this.project,
      env,
      ...(input === undefined ? {} : { input }),
    };
    const args = words.filter((word) => word !== undefined);
    const result = await this.installation.run('tracecraft', args, options);
    const told = `${line}\n${result.stdout}\n${result.stderr}`;
    expect(result.code, told).toBe(code);
    // What Node says about itself begins like this: features that are experimental or about to go.
    expect(result.stderr, told).not.toMatch(/\(node:\d+\)/);
    if (!warns) expect(result.stderr, told).not.toContain('Warning');
    return result;
  }

  async json(line: string): Promise<Record<string, unknown>> {
    const { stdout } = await this.run(`${line} --json`);
    const answer: { readonly data: Record<string, unknown> } = JSON.parse(stdout);
    return answer.data;
  }
}

async function useStore(user: User, expected: Expected): Promise<void> {
  await user.run('watch --once --all --harness codex', expected);
  await user.run('session verify --harness codex', expected);
  await user.run('claim design', expected);
  await user.run('memory set a.b c', expected);
  await user.run('send developer hello', expected);
  const { stdout } = await user.run('inbox --new', { ...expected, agent: 'developer' });
  expect(stdout).toContain('hello');
  await user.run('complete design', expected);
  await user.run('log', expected);
}

describe.each(majors)('installed from its tarball, on Node %s', (major) => {
  let installation: Installation;
  let user: User;

  beforeAll(async () => {
    const place = join(folder, major ?? 'here');
    const node = await nodeOf(major, folder);
    installation = await Installation.create(node, tarball, join(place, 'prefix'));
    user = new User(installation, place, {});
    await mkdir(user.project);
  }, 240_000);

  it('needs no other package, and npm warns of nothing', async () => {
    expect(installation.said).not.toMatch(/warn/i);
    await expect(stat(join(installation.packageFolder, 'node_modules'))).rejects.toThrow('ENOENT');
  });

  it('says what it is, and how a command that does not exist is meant', async () => {
    const { stdout } = await user.run('--version');
    expect(stdout).toContain(installation.node.version);
    if (major !== undefined) expect(stdout).toContain(`v${major}.`);
    expect((await user.run('--help')).stdout).toContain('watch');
    await user.run('wach', { code: 2 });
  });

  it('mirrors, redacted, a session of each harness: files, packed files, databases', async () => {
    await user.run('init --global --agent designer');
    await user.run('watch --once --all');
    const { sessions } = await user.json('session list');
    expect(sessions).toHaveLength(Object.keys(ids).length);
    for (const [harness, id] of Object.entries(ids)) {
      const { stdout } = await user.run(`session show ${id} --raw --harness ${harness}`);
      expect(stdout).toContain('[REDACTED:github-token]');
      expect(stdout).not.toContain(secret);
    }
    await user.run('session verify');
    await user.run('session show nobody', { code: 3 });
    await user.run(`session mirror --harness claude-code --session-id ${ids['claude-code']}`);
  });

  it('lets two agents share steps, mail, memory and files', async () => {
    await user.run('claim design --ttl 1h');
    await user.run('claim design', { agent: 'developer', code: 4 });
    await user.run('memory set design.contract \'{"auth": "bearer"}\'');
    await user.run('memory set design.contract x --if-version 7', { code: 4 });
    expect((await user.run('memory get design.contract')).stdout).toContain('bearer');
    await writeFile(join(user.project, 'notes.md'), '# Notes\n');
    await user.run('artifact upload notes.md --step design');
    await user.run("complete design --note 'agreed' --artifact notes.md --to developer");
    expect(await user.json('handoff design')).toMatchObject({ note: 'agreed' });
    await user.run('wait-for design', { agent: 'developer' });
    await user.run("send developer 'it is in memory'");
    const first = await user.run('inbox --new', { agent: 'developer' });
    expect(first.stdout).toContain('it is in memory');
    expect((await user.run('inbox --new', { agent: 'developer' })).stdout).toBe('');
    await user.run('artifact download design/notes.md --to down', { agent: 'developer' });
    expect(await readFile(join(user.project, 'down', 'notes.md'), 'utf8')).toBe('# Notes\n');
    await user.run('claim build', { agent: 'developer' });
    await user.run('release build', { agent: 'developer' });
  });

  it('shows the run, and plays the demo', async () => {
    expect((await user.run('log')).stdout).toContain('design');
    await user.run('status');
    await user.run('steps');
    await user.run('agents');
    await user.run('replay -o run.html');
    expect((await stat(join(user.project, 'run.html'))).size).toBeGreaterThan(50_000);
    await user.run('demo --folder demo --no-open');
  });

  // On the Node of the tests, their own suites try these.
  const onOtherNodes = it.skipIf(major === undefined);

  onOtherNodes('works with an S3 store', async () => {
    const r2 = await startR2();
    const env = { AWS_ACCESS_KEY_ID: r2.accessKey, AWS_SECRET_ACCESS_KEY: r2.secretKey };
    try {
      const place = join(folder, major ?? 'here', 's3');
      const far = new User(installation, place, env);
      await mkdir(far.project, { recursive: true });
      const where = `--bucket ${r2.bucket} --endpoint ${r2.endpoint} --region ${r2.region}`;
      await far.run(`init --global --backend s3 ${where} --agent designer`);
      await useStore(far, {});
    } finally {
      await r2.stop();
    }
  });

  onOtherNodes('works with a Hugging Face bucket', async () => {
    const hub = await startHub();
    const token = hub.token({ name: 'ann', role: 'write' });
    try {
      const place = join(folder, major ?? 'here', 'hf');
      const far = new User(installation, place, { HF_ENDPOINT: hub.endpoint, HF_TOKEN: token });
      await mkdir(far.project, { recursive: true });
      // It does not arbitrate, and says so.
      const warned = { warns: true };
      await far.run('init --global --backend hf --bucket ann/traces --agent designer', warned);
      await useStore(far, warned);
    } finally {
      await hub.stop();
    }
  });

  it('redacts what it is given', async () => {
    const { stdout } = await user.run('redact', { input: `token ${secret}\n` });
    expect(stdout).toBe('token [REDACTED:github-token]\n');
    await user.run('redact --check', { input: `token ${secret}\n`, code: 9 });
    await user.run('redact scan');
  });

  it('is a library, for import and for require, with the same classes', async () => {
    const place = join(user.project, 'library');
    await installation.linkInto(place);
    await copyFile(join(repositoryRoot, 'examples', 'sdk.mjs'), join(place, 'sdk.mjs'));
    const options = { cwd: place, env: user.env };
    const { code, stdout, stderr } = await installation.run('node', ['sdk.mjs', place], options);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('contract: {"header":"Authorization","without":401}');
    const both = `import * as esm from 'tracecraft'; import { createRequire } from 'node:module';
      const cjs = createRequire(import.meta.url)('tracecraft');
      if (Object.keys(esm).some((name) => esm[name] !== cjs[name])) throw new Error('two copies');
      const error = await cjs.openTracecraft({ destination: {} }).catch((one) => one);
      console.log(error.name, error instanceof esm.UsageError, error.exitCode);`;
    await writeFile(join(place, 'both.mjs'), both);
    const answer = await installation.run('node', ['both.mjs'], options);
    expect(answer).toEqual({ code: 0, stdout: 'UsageError true 2\n', stderr: '' });
  });
});

/** With the aggregate functions that reading takes. */
function hasOwnSqlite(version: string): boolean {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  return major >= 24 || (major === 22 && minor >= 16);
}

describe('an installation without its SQLite', () => {
  it('everything but the databases is mirrored, and what is missing is said', async () => {
    const place = join(folder, 'bare');
    const node = await nodeOf(undefined, folder);
    const prefix = join(place, 'prefix');
    const installation = await Installation.create(node, tarball, prefix);
    await rm(join(installation.packageFolder, 'dist', 'sqlite'), { recursive: true });
    const user = new User(installation, place, {});
    await mkdir(user.project);
    await user.run('init --global --agent designer');
    const options = { cwd: user.project, env: user.env };
    const watch = await installation.run('tracecraft', ['watch', '--once', '--all'], options);
    const { sessions } = await user.json('session list');
    if (hasOwnSqlite(node.version)) {
      expect(watch).toMatchObject({ code: 0, stderr: '' });
      expect(sessions).toMatchObject([{}, {}, {}, {}]);
    } else {
      expect(watch.stderr).toContain('state.db: SQLite did not load');
      expect(sessions).toMatchObject([{}, {}]);
    }
    await user.run('claim design');
  });
});
