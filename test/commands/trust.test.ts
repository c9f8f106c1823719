import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

const config = {
  backend: 's3',
  bucket: 'team\u202e',
  project: 'app',
  agent_id: 'designer',
  endpoint: 'http://localhost:1',
  redact: { patterns: [{ name: 'ticket', pattern: 'T-[0-9]{8}' }], disable: ['aws'] },
};

let world: CliWorld;
let path = '';

beforeEach(async () => {
  world = await createCliWorld();
  path = join(world.project, '.tracecraft.json');
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
});

afterEach(() => world.remove());

describe('tracecraft trust', () => {
  it('shows what the config does, and records it', async () => {
    const result = await world.run(['trust']);
    expect(result).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        `config    ${path}`,
        'backend   s3',
        'location  team\\u202e',
        'endpoint  http://localhost:1',
        'project   app',
        'agent     designer',
        'patterns  ticket',
        'allow     -',
        'disable   aws',
        `Trusted ${path}`,
        '',
      ].join('\n'),
    });
    const listed = await world.run(['trust', '--list']);
    expect(listed.stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}\S+\.tracecraft\.json\n$/);
  });

  it('answers in JSON', async () => {
    const { code, json } = await world.runJson(['trust']);
    expect(code).toBe(0);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        config: path,
        backend: 's3',
        location: 'team\u202e',
        endpoint: 'http://localhost:1',
        project: 'app',
        agent: 'designer',
        patterns: ['ticket'],
        allow: [],
        disable: ['aws'],
        trusted: true,
      },
    });
    expect((await world.runJson(['trust', '--list'])).json).toEqual({
      schema_version: 1,
      data: {
        trusted: [
          {
            path,
            bucket_folder: null,
            sha256: expect.stringMatching(/^[a-f0-9]{64}$/),
            trusted_at: expect.stringMatching(/Z$/),
          },
        ],
      },
    });
  });

  it('revokes, and says when there is nothing to revoke', async () => {
    await world.run(['trust']);
    expect(await world.run(['trust', '--revoke'])).toMatchObject({
      code: 0,
      stdout: `No longer trusted: ${path}\n`,
    });
    expect(await world.run(['trust', '--revoke'])).toMatchObject({ code: 3, stdout: '' });
    expect((await world.runJson(['trust', '--list'])).json).toMatchObject({
      data: { trusted: [] },
    });
  });

  it('keeps its records where only their owner reads them', async () => {
    await world.run(['trust']);
    const folder = join(world.stateFolder, 'trusted');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('needs no record for the config in the home folder', async () => {
    const stateFolder = join(world.root, 'state');
    const { mkdir } = await import('node:fs/promises');
    await mkdir(stateFolder);
    const { redact: _, ...own } = config;
    await writeFile(join(stateFolder, 'config.json'), JSON.stringify(own), { mode: 0o600 });
    const env = { TRACECRAFT_HOME: stateFolder };
    const result = await world.run(['trust'], { cwd: world.root, env });
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('This is your own config and needs no record.');
    expect((await world.run(['trust', '--list', '--json'], { env })).stdout).toContain(
      '"trusted":[]',
    );
  });

  it('changes nothing in the config', async () => {
    const before = await readFile(path, 'utf8');
    await world.run(['trust']);
    expect(await readFile(path, 'utf8')).toBe(before);
  });
});
