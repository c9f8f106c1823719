import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { parseConfig } from '../../src/config/schema.js';
import {
  findSettings,
  findTrustedSettings,
  loadSettings,
  openableTarget,
  requireAgent,
  requireTrusted,
  type SettingsContext,
} from '../../src/config/settings.js';
import { openTrustStore } from '../../src/config/trust.js';
import { NotAllowedError, NotFoundError, UsageError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const local = { backend: 'local', bucket: 'store', project: 'app', agent_id: 'designer' };
const s3 = { backend: 's3', bucket: 'team', project: 'app', agent_id: 'designer' };

let root = '';
let remove = async (): Promise<void> => undefined;
let context: SettingsContext;

beforeEach(async () => {
  const folder = await createTemporaryFolder();
  ({ path: root, remove } = folder);
  await mkdir(join(root, 'home', '.tracecraft'), { recursive: true });
  await mkdir(join(root, 'project', 'deep', 'er'), { recursive: true });
  context = {
    cwd: join(root, 'project'),
    home: join(root, 'home'),
    env: {},
    io: nodeIo,
    clock: systemClock,
  };
});

afterEach(() => remove());

const projectConfig = (): string => join(root, 'project', '.tracecraft.json');
const homeConfig = (): string => join(root, 'home', '.tracecraft', 'config.json');

async function write(path: string, content: unknown): Promise<void> {
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content), {
    mode: 0o600,
  });
}

async function problem(path: string, content: unknown): Promise<string> {
  await write(path, content);
  const error = await findSettings(context).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(UsageError);
  const { message } = error as UsageError;
  expect(message).toContain(path);
  return message;
}

describe('which config wins', () => {
  it('is the nearest one from the current folder upward', async () => {
    await write(projectConfig(), local);
    await write(join(root, '.tracecraft.json'), { ...local, project: 'farther' });
    const settings = await loadSettings({ ...context, cwd: join(root, 'project', 'deep', 'er') });
    expect(settings.file.path).toBe(projectConfig());
    expect(settings.project).toBe('app');
    expect(settings.source.destination).toEqual({ kind: 'project', path: projectConfig() });
  });

  it('is the home config if no folder has one', async () => {
    await write(homeConfig(), { ...local, project: 'everything' });
    const settings = await loadSettings(context);
    expect(settings.project).toBe('everything');
    expect(settings.trusted).toBe(true);
    expect(settings.source.destination).toEqual({ kind: 'home', path: homeConfig() });
  });

  it('is undefined if there is none, and the error says how to write one', async () => {
    expect(await findSettings(context)).toBeUndefined();
    const error = await loadSettings(context).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NotFoundError);
    expect((error as NotFoundError).hint).toContain('tracecraft init');
  });

  it('is the home config in TRACECRAFT_HOME; a relative one is refused', async () => {
    const elsewhere = join(root, 'elsewhere');
    await mkdir(elsewhere);
    await write(join(elsewhere, 'config.json'), { ...local, project: 'moved' });
    const env = { TRACECRAFT_HOME: elsewhere };
    expect((await loadSettings({ ...context, env })).project).toBe('moved');
    await expect(
      findSettings({ ...context, env: { TRACECRAFT_HOME: 'elsewhere' } }),
    ).rejects.toThrow(/TRACECRAFT_HOME/);
  });

  it('names the agent by the environment, then the project, then the home config', async () => {
    await write(homeConfig(), { ...local, agent_id: 'from-home' });
    await write(projectConfig(), { ...local, agent_id: null });
    const inherited = await loadSettings(context);
    expect(inherited.agent).toBe('from-home');
    expect(inherited.source.agent).toEqual({ kind: 'home', path: homeConfig() });
    await write(projectConfig(), local);
    expect((await loadSettings(context)).agent).toBe('designer');
    const named = await loadSettings({ ...context, env: { TRACECRAFT_AGENT: 'reviewer' } });
    expect(named.agent).toBe('reviewer');
    expect(named.source.agent).toEqual({ kind: 'environment', name: 'TRACECRAFT_AGENT' });
    await expect(
      loadSettings({ ...context, env: { TRACECRAFT_AGENT: '../x' } }),
    ).rejects.toBeInstanceOf(UsageError);
  });

  it('has no agent if nothing names one, and says so when one is needed', async () => {
    await write(projectConfig(), { backend: 'local', bucket: 'b', project: 'app' });
    const settings = await loadSettings(context);
    expect(settings.agent).toBeUndefined();
    expect(() => requireAgent(settings)).toThrow(/no agent name/);
  });

  it('never mixes the destination or the keys of two files', async () => {
    await write(homeConfig(), { ...s3, access_key: 'AKHOME', secret_key: 'home', profile: 'work' });
    await write(projectConfig(), { ...s3, endpoint: 'http://localhost:9000' });
    const { target } = await loadSettings(context);
    expect(JSON.stringify(target)).not.toMatch(/AKHOME|home|work/);
  });

  it('treats a link to the home config as the home config', async () => {
    await write(homeConfig(), local);
    await symlink(homeConfig(), projectConfig());
    const settings = await loadSettings(context);
    expect(settings.file.scope).toBe('home');
    expect(settings.trusted).toBe(true);
  });
});

describe('the content of a config', () => {
  it('is read as the older tool writes it', async () => {
    await write(projectConfig(), {
      backend: 's3',
      bucket: 'team',
      project: 'app',
      agent_id: 'designer',
      endpoint: null,
      access_key: null,
      secret_key: null,
      hf_token: null,
    });
    const settings = await loadSettings(context);
    expect(settings.target).toEqual({ backend: 's3', bucket: 'team' });
    expect(settings.source.endpoint).toEqual({ kind: 'default' });
  });

  it.each([
    ['store', () => join(root, 'project', 'store')],
    ['./a/../b', () => join(root, 'project', 'b')],
    ['~/store', () => join(root, 'home', 'store')],
    ['~', () => join(root, 'home')],
    ['/srv/store', () => '/srv/store'],
    ['~other/store', () => join(root, 'project', '~other', 'store')],
  ])('takes the local bucket %s relative to the file', async (bucket, expected) => {
    await write(projectConfig(), { ...local, bucket });
    const { target } = await loadSettings({ ...context, cwd: join(root, 'project', 'deep') });
    expect(target).toEqual({ backend: 'local', root: expected() });
  });

  it('may include durations', async () => {
    await write(projectConfig(), { ...local, claim_ttl: '15m' });
    expect((await loadSettings(context)).claimTtlMs).toBe(900_000);
    await write(projectConfig(), { ...local, claim_ttl: 'none' });
    expect((await loadSettings(context)).claimTtlMs).toBeNull();
    await write(projectConfig(), local);
    expect((await loadSettings(context)).claimTtlMs).toBeUndefined();
  });

  it('leaves the endpoint to the environment if it names none', async () => {
    await write(projectConfig(), s3);
    const env = { AWS_ENDPOINT_URL: 'http://one:1', AWS_ENDPOINT_URL_S3: 'http://two:2' };
    const settings = await loadSettings({ ...context, env });
    expect(settings.target).toMatchObject({ endpoint: 'http://two:2' });
    expect(settings.source.endpoint).toEqual({
      kind: 'environment',
      name: 'AWS_ENDPOINT_URL_S3',
    });
    await expect(
      loadSettings({ ...context, env: { AWS_ENDPOINT_URL: 'ftp://x' } }),
    ).rejects.toThrow(/AWS_ENDPOINT_URL/);
  });

  it("adds the user's own redaction patterns, but none of their exceptions", async () => {
    const mine = { name: 'mine', pattern: 'mine-[0-9]+' };
    const theirs = { name: 'theirs', pattern: 'theirs' };
    await write(homeConfig(), {
      ...local,
      redact: { patterns: [mine], allow: ['x'], disable: ['y'] },
    });
    await write(projectConfig(), { ...local, redact: { patterns: [theirs] } });
    expect((await loadSettings(context)).redact).toEqual({
      patterns: [mine, theirs],
      allow: [],
      disable: [],
    });
  });

  it('takes the endpoint and the token of Hugging Face, and never Amazon\u2019s', async () => {
    const hf = { backend: 'hf', bucket: 'me/store', project: 'p' };
    await write(homeConfig(), { ...hf, hf_token: 'hf_own' });
    const env = { HF_ENDPOINT: 'https://hub.example', AWS_ENDPOINT_URL: 'https://s3.example' };
    expect((await loadSettings({ ...context, env })).target).toEqual({
      backend: 'hf',
      bucket: 'me/store',
      endpoint: 'https://hub.example',
      token: 'hf_own',
    });
    expect((await loadSettings(context)).target).toMatchObject({ token: 'hf_own' });
    const env2 = { HF_ENDPOINT: 'nowhere' };
    await expect(loadSettings({ ...context, env: env2 })).rejects.toThrow(/HF_ENDPOINT/);
  });
});

describe('a config that cannot be used is refused by file and field', () => {
  it.each([
    ['an unknown field', { ...local, redactt: {} }, /unknown field "redactt"/],
    ['an unknown field below', { ...local, watch: { every: '5s' } }, /unknown field "watch.every"/],
    ['a misspelt field', { backnd: 'local', bucket: 'b', project: 'p' }, /unknown field "backnd"/],
    ['__proto__', '{"backend":"local","bucket":"b","project":"p","__proto__":{}}', /__proto__/],
    ['a missing field', { backend: 'local', project: 'p' }, /"bucket" is missing/],
    ['a wrong type', { ...local, bucket: 7 }, /"bucket" must be a string/],
    ['an unknown backend', { ...local, backend: 'ftp' }, /"backend" must be one of/],
    ['a bad project', { ...local, project: '../up' }, /"project" must be 1 to 128/],
    ['a bad agent', { ...local, agent_id: '.hidden' }, /"agent_id" must be/],
    ['control characters', { ...local, bucket: 'a\u001b[2J' }, /"bucket" must not contain control/],
    ['an empty bucket', { ...local, bucket: '' }, /"bucket" must not be empty/],
    ['a long bucket', { ...local, bucket: 'x'.repeat(2000) }, /"bucket" must not be longer/],
    ['keys in the endpoint', { ...s3, endpoint: 'http://u:p@h' }, /"endpoint" must be/],
    ['another scheme', { ...s3, endpoint: 'file:///etc' }, /"endpoint" must be/],
    ['a region that is a host', { ...s3, region: 'x@evil.example/' }, /"region" must be/],
    ['half a key', { ...s3, access_key: 'AK' }, /"access_key" needs access_key and secret_key/],
    ['a bad duration', { ...local, claim_ttl: 'soon' }, /"claim_ttl" must be a number and a unit/],
    ['a bare number', { ...local, claim_ttl: 5 }, /"claim_ttl" must be a string/],
    [
      'a pattern that is none',
      { ...local, redact: { patterns: [{ name: 'a', pattern: '(' }] } },
      /"redact.patterns.0.pattern" must be a regular expression/,
    ],
    ['a harness that is no name', { ...local, watch: { harness: ['../vim'] } }, /must be 1 to 128/],
    ['a list', [1], /not a usable config/],
    ['null', 'null', /must be an object/],
    ['no JSON', '{', /it is not JSON/],
    ['nothing', '', /it is not JSON/],
    ['too much', `{"project":"${'x'.repeat(300_000)}"}`, /larger than 256 KiB/],
    ['deep nesting', '['.repeat(200_000), /it is not JSON/],
  ])('%s', async (_, content, expected) => {
    expect(await problem(projectConfig(), content)).toMatch(expected);
  });

  it('and never quotes values of keys', async () => {
    const message = await problem(projectConfig(), '{"secret_key": "hunter2hunter2" oops');
    expect(message).not.toContain('hunter2');
  });

  it('invalid UTF-8', async () => {
    await writeFile(projectConfig(), Buffer.from([0x7b, 0xff, 0x7d]));
    await expect(findSettings(context)).rejects.toThrow(/not UTF-8/);
  });

  it('a folder, or a dangling link: never falls back to the next config', async () => {
    await write(homeConfig(), local);
    await mkdir(projectConfig());
    await expect(findSettings(context)).rejects.toThrow(/not a regular file/);
    await symlink(join(root, 'nowhere'), join(root, 'project', 'deep', '.tracecraft.json'));
    await expect(findSettings({ ...context, cwd: join(root, 'project', 'deep') })).rejects.toThrow(
      /dangling symbolic link/,
    );
  });

  it('a broken home config, even when the project has one', async () => {
    await write(projectConfig(), local);
    expect(await problem(homeConfig(), '{')).toContain('not JSON');
  });

  it.skipIf(process.platform === 'win32')('a named pipe, without waiting for it', async () => {
    const { execFileSync } = await import('node:child_process');
    execFileSync('mkfifo', [projectConfig()]);
    await expect(findSettings(context)).rejects.toThrow(/not a regular file/);
  });
});

describe('keys others can read', () => {
  it('cause a warning, and only they do', async () => {
    await write(projectConfig(), { ...s3, access_key: 'AK', secret_key: 'SK' });
    expect((await loadSettings(context)).warnings).toEqual([]);
    await chmod(projectConfig(), 0o640);
    expect((await loadSettings(context)).warnings).toEqual([
      expect.stringContaining(`chmod 600 ${projectConfig()}`),
    ]);
    await write(projectConfig(), s3);
    expect((await loadSettings(context)).warnings).toEqual([]);
  });
});

describe('trust', () => {
  const endpoint = 'http://evil.example:9000';

  async function trustIt(): Promise<void> {
    const settings = await loadSettings(context);
    await openTrustStore(context, nodeIo, systemClock).trust(settings.file);
  }

  it('applies to a path and its content, and ends once either changes', async () => {
    await write(projectConfig(), local);
    expect((await loadSettings(context)).trusted).toBe(false);
    await trustIt();
    const settings = await loadSettings(context);
    expect(settings.trusted).toBe(true);
    expect(() => requireTrusted(settings)).not.toThrow();
    await write(projectConfig(), { ...local, project: 'other' });
    const changed = await loadSettings(context);
    expect(changed.trusted).toBe(false);
    expect(() => requireTrusted(changed)).toThrow(NotAllowedError);
    await write(join(root, 'project', 'deep', '.tracecraft.json'), local);
    expect((await loadSettings({ ...context, cwd: join(root, 'project', 'deep') })).trusted).toBe(
      false,
    );
  });

  it.each(['deep/data', '~/../project/deep/data'])(
    'of the bucket %s ends when a link takes its place, wherever on the way',
    async (bucket) => {
      await write(projectConfig(), { ...local, bucket });
      const data = join(root, 'project', 'deep', 'data');
      await trustIt();
      expect((await loadSettings(context)).trusted, 'not there yet').toBe(true);
      await mkdir(data, { recursive: true });
      expect((await loadSettings(context)).trusted, 'made since').toBe(true);
      const elsewhere = join(root, 'elsewhere');
      await mkdir(join(elsewhere, 'data'), { recursive: true });
      for (const [at, target] of [
        [data, elsewhere],
        [data, join(root, 'not-there')],
        [data, '../../../elsewhere/data'],
        [dirname(data), elsewhere],
      ] as const) {
        await rm(at, { recursive: true });
        await symlink(target, at);
        expect((await loadSettings(context)).trusted, `${at} -> ${target}`).toBe(false);
        await rm(at);
        await mkdir(data, { recursive: true });
        expect((await loadSettings(context)).trusted, 'put back').toBe(true);
      }
    },
  );

  it('may be given to a bucket that is a link, for its present target', async () => {
    await write(projectConfig(), { ...local, bucket: 'data' });
    const data = join(root, 'project', 'data');
    await symlink(join(root, 'drive', 'bucket'), data);
    await trustIt();
    expect((await loadSettings(context)).trusted).toBe(true);
    await mkdir(join(root, 'drive', 'bucket'), { recursive: true });
    expect((await loadSettings(context)).trusted, 'mounted since').toBe(true);
    await rm(data);
    await symlink(join(root, 'drive'), data);
    expect((await loadSettings(context)).trusted).toBe(false);
  });

  const own = { access_key: 'AK', secret_key: 'SK' };

  it.each([
    ['a folder', local, {}],
    ['an endpoint and a profile of mine', { ...s3, endpoint, profile: 'work' }, {}],
    ['keys of its own', { ...s3, endpoint, ...own }, {}],
    ['an endpoint that I name too', { ...s3, endpoint }, { AWS_ENDPOINT_URL: endpoint }],
    ['a bucket at Amazon', s3, { AWS_PROFILE: 'work' }],
    ['a bucket at my own endpoint', s3, { AWS_ENDPOINT_URL_S3: 'http://mine.example:1' }],
    ['a bucket of the Hub', { ...s3, backend: 'hf', bucket: 'me/store' }, { HF_TOKEN: 'hf_mine' }],
    ['a token of its own', { ...s3, backend: 'hf', bucket: 'me/b', hf_token: 'hf_its' }, {}],
  ])('is needed for %s', async (_, config, env) => {
    await write(projectConfig(), config);
    const here = { ...context, env: { ...env, TRACECRAFT_AGENT: 'reviewer' } };
    const settings = await loadSettings(here);
    expect(() => openableTarget(settings)).toThrow(NotAllowedError);
    await trustIt();
    const trusted = await loadSettings(here);
    expect(openableTarget(trusted)).toEqual(trusted.target);
  });

  it('if missing is reported with the place, and a hint to ask', async () => {
    await write(projectConfig(), { ...s3, endpoint });
    const settings = await loadSettings(context);
    const refused = async () => openableTarget(settings);
    await expect(refused()).rejects.toMatchObject({
      message: `not a trusted config: ${projectConfig()}: it would talk to the S3 bucket "team" at "${endpoint}"`,
      hint: expect.stringMatching(/Ask the person.*never trusts a config by itself/s),
      exitCode: 7,
    });
  });

  it("if missing leaves commands without a bucket the home folder's own settings", async () => {
    const ticket = { name: 'ticket', pattern: 'T-[0-9]{8}' };
    const disable = ['github-token'];
    await write(projectConfig(), { ...local, redact: { disable, allow: ['hunter2'] } });
    expect(await findTrustedSettings(context)).toMatchObject({
      settings: undefined,
      ignored: { path: projectConfig() },
    });
    await write(homeConfig(), { ...local, redact: { patterns: [ticket] } });
    const { settings } = await findTrustedSettings(context);
    expect(settings?.file.path).toBe(homeConfig());
    expect(settings?.redact).toEqual({ patterns: [ticket], allow: [], disable: [] });
    await trustIt();
    const trusted = await findTrustedSettings(context);
    expect(trusted.ignored).toBeUndefined();
    expect(trusted.settings?.redact).toEqual({ patterns: [ticket], allow: ['hunter2'], disable });
  });

  it('is recorded by twenty at once without losing any', async () => {
    const store = openTrustStore(context, nodeIo, systemClock);
    const files = Array.from({ length: 20 }, (_, index) => ({
      path: join(root, `project-${index}`, '.tracecraft.json'),
      sha256: 'a'.repeat(64),
      folder: join(root, `project-${index}`),
      document: parseConfig('', Buffer.from(JSON.stringify(local))),
    }));
    await Promise.all(files.map((file) => store.trust(file)));
    expect((await store.list()).map((one) => one.path)).toEqual(
      files.map((one) => one.path).sort(),
    );
  });

  it('ignores forged, damaged or displaced records', async () => {
    const state = join(root, 'home', '.tracecraft');
    const store = openTrustStore(context, nodeIo, systemClock);
    const file = {
      path: join(root, 'project', '.tracecraft.json'),
      sha256: 'b'.repeat(64),
      folder: join(root, 'project'),
      document: parseConfig('', Buffer.from(JSON.stringify(local))),
    };
    await store.trust(file);
    const [entry] = (await nodeIo.readdir(join(state, 'trusted'))) ?? [];
    const record = join(state, 'trusted', entry?.name ?? '');
    const good = (await nodeIo.readFile(record))?.toString('utf8') ?? '';
    for (const bad of ['', '{', 'null', good.replace(file.path, '/elsewhere'), '{"path": 1}']) {
      await writeFile(record, bad);
      expect(await store.isTrusted(file), bad).toBe(false);
      expect(await store.list()).toEqual([]);
    }
    await writeFile(record, good);
    expect(await store.isTrusted(file)).toBe(true);
    expect(await store.revoke(file.path)).toBe(true);
    expect(await store.revoke(file.path)).toBe(false);
  });
});
