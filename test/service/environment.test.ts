import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  carriedVariables,
  environmentFile,
  missingCredentials,
} from '../../src/service/environment.js';
import { stableNode, stableScript } from '../../src/service/executable.js';
import { keepLogBound } from '../../src/service/log-bound.js';
import { ManualClock } from '../support/manual-clock.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(() => folder.remove());

describe('variables', () => {
  it('that locate things are included; credentials and others are not', () => {
    const env = {
      TRACECRAFT_HOME: '/t',
      CLAUDE_CONFIG_DIR: '/c, /d',
      OPENCLAW_HOME: '~/o',
      AWS_PROFILE: 'work',
      HERMES_HOME: '',
      AWS_SECRET_ACCESS_KEY: 'k',
      HF_TOKEN: 'k',
      EDITOR: 'vi',
    };
    expect(carriedVariables(env)).toEqual({
      variables: {
        TRACECRAFT_HOME: '/t',
        CLAUDE_CONFIG_DIR: '/c, /d',
        OPENCLAW_HOME: '~/o',
        AWS_PROFILE: 'work',
      },
      leftOut: [],
    });
    expect(missingCredentials('s3', env, [])).toEqual(['AWS_SECRET_ACCESS_KEY']);
    expect(missingCredentials('hf', env, ['HF_TOKEN'])).toEqual([]);
  });

  it('with a password in an address are left out, and named', () => {
    const env = { AWS_ENDPOINT_URL: 'https://me:pw@s3.example.com', HF_ENDPOINT: 'https://hf.co' };
    expect(carriedVariables(env)).toEqual({
      variables: { HF_ENDPOINT: 'https://hf.co' },
      leftOut: ['AWS_ENDPOINT_URL'],
    });
  });

  it('that name a proxy are included, unless they contain a password', () => {
    const env = { https_proxy: 'proxy:3128', HTTP_PROXY: 'me:pw@proxy:3128', NO_PROXY: '.local' };
    expect(carriedVariables(env)).toEqual({
      variables: { https_proxy: 'proxy:3128', NO_PROXY: '.local' },
      leftOut: ['HTTP_PROXY'],
    });
  });

  it('with a relative path are refused', () => {
    expect(() => carriedVariables({ CODEX_HOME: './codex' })).toThrow(
      /CODEX_HOME is a relative path/,
    );
    expect(() => carriedVariables({ CLAUDE_CONFIG_DIR: '/a,b' })).toThrow(/CLAUDE_CONFIG_DIR/);
  });
});

describe('an environment file', () => {
  it('gives a shell the original values', () => {
    const env = { B: 'x y', A: 'a"b\\c$d`e \'f %h !x #y ü\\' };
    const text = environmentFile(['B', 'A', 'B'], env);
    const { stdout } = spawnSync('sh', ['-c', `${text} printf '%s|%s' "$A" "$B"`], {
      encoding: 'utf8',
    });
    expect(stdout).toBe(`${env.A}|${env.B}`);
    expect(text.split('\n')).toHaveLength(3);
  });

  it('is refused for unset variables, invalid names and line breaks', () => {
    expect(() => environmentFile(['NOT_SET'], {})).toThrow('NOT_SET is not set here');
    expect(() => environmentFile(['A=b'], { 'A=b': 'c' })).toThrow(/not a variable name/);
    expect(() => environmentFile(['A'], { A: 'b\nLD_PRELOAD=/x' })).toThrow(
      /^A contains a line break/,
    );
  });
});

describe('the path of Node', () => {
  async function nodeAt(path: string): Promise<string> {
    const file = join(folder.path, path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, '');
    return file;
  }

  async function linkAt(path: string, target: string): Promise<string> {
    const file = join(folder.path, path);
    await mkdir(join(file, '..'), { recursive: true });
    await symlink(target, file);
    return file;
  }

  it("is Homebrew's stable link, not the folder of a version", async () => {
    const execPath = await nodeAt('brew/Cellar/node@22/22.3.0/bin/node');
    const link = await linkAt('brew/opt/node@22', join(folder.path, 'brew/Cellar/node@22/22.3.0'));
    await linkAt('brew/bin/node', execPath);
    const env = { PATH: join(folder.path, 'brew/bin') };
    expect(await stableNode({ env, execPath })).toEqual({
      path: join(link, 'bin/node'),
      isStable: true,
    });
  });

  it('is what PATH finds, if that is the same Node and not a temporary link', async () => {
    const execPath = await nodeAt('mise/installs/node/22.3.0/bin/node');
    const other = await nodeAt('usr/bin/node');
    const passing = await linkAt('run/fnm_multishells/1_2/bin/node', execPath);
    const stable = await linkAt('mise/installs/node/latest/bin/node', execPath);
    const PATH = [passing, other, stable].map((file) => join(file, '..')).join(':');
    expect(await stableNode({ env: { PATH }, execPath })).toEqual({ path: stable, isStable: true });
  });

  it('contains the version if nothing else leads to it, as with nvm', async () => {
    const execPath = await nodeAt('.nvm/versions/node/v20.20.2/bin/node');
    const env = { PATH: join(execPath, '..') };
    expect(await stableNode({ env, execPath })).toEqual({ path: execPath, isStable: false });
  });

  it("of a script in npx's cache is not stable", async () => {
    const script = await nodeAt('_npx/1f/node_modules/tracecraft/bin/run.cjs');
    expect(await stableScript(script, script)).toEqual({ path: script, isStable: false });
    const lasting = await linkAt('bin/tracecraft', script);
    expect(await stableScript(lasting, script)).toEqual({ path: lasting, isStable: true });
    expect(await stableScript('/elsewhere/vitest', script)).toMatchObject({ path: script });
  });
});

it('a log that exceeds its limit is moved aside and continues', async () => {
  const clock = new ManualClock();
  const log = join(folder.path, 'watch.log');
  const ending = new AbortController();
  await writeFile(log, 'x'.repeat(101));
  const kept = keepLogBound(log, clock, ending.signal, 100);
  await expect.poll(async () => (await stat(log)).size).toBe(0);
  expect((await stat(`${log}.1`)).size).toBe(101);
  await appendFile(log, 'short');
  clock.advance(60_000);
  ending.abort();
  await kept;
  expect(await readFile(log, 'utf8')).toBe('short');
});
