import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

/** A name that never resolves (RFC 6761), so nothing is sent anywhere. */
const endpoint = 'http://store.invalid:9000';
const warning = 'plain-http: store.invalid:9000 is contacted without encryption';
const keys = { access_key: 'AKIDEXAMPLE', secret_key: 'not-a-real-secret-key' };

describe('plain http to another machine', () => {
  let world: CliWorld;

  beforeAll(async () => {
    world = await createCliWorld();
  });

  afterAll(() => world?.remove());

  it('causes a warning in init, watch and doctor', async () => {
    const place = ['--backend', 's3', '--bucket', 'pond', '--endpoint', endpoint];
    const own = ['--access-key', keys.access_key, '--secret-key', keys.secret_key];
    const init = await world.run(['init', ...place, ...own]);
    expect(init.code).toBe(8);
    expect(init.stderr).toContain(`Warning: ${warning}`);
    const config = { backend: 's3', bucket: 'pond', project: 'app', endpoint, ...keys };
    const path = join(world.project, '.tracecraft.json');
    await writeFile(path, JSON.stringify({ ...config, agent_id: 'alex' }), { mode: 0o600 });
    await world.run(['trust', '--yes']);
    const watch = await world.run(['watch', '--once']);
    expect(watch.code).toBe(8);
    expect(watch.stderr).toContain(`Warning: ${warning}`);
    const { json } = await world.runJson(['doctor']);
    expect(JSON.stringify(json)).toContain('"plain-http"');
  }, 120_000);
});
