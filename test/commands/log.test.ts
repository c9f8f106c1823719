import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let events = '';

async function put(name: string, body: string): Promise<void> {
  const path = join(events, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, body);
}

beforeAll(async () => {
  world = await createCliWorld();
  await world.run(['init', '--project', 'run', '--agent', 'developer']);
  events = join(world.home, '.tracecraft', 'bucket', 'run', 'events');
});

afterAll(() => world.remove());

describe('tracecraft log', () => {
  it('prints each event on one line', async () => {
    await world.run(['claim', 'S1.A']);
    await world.run(['complete', 's1-a', '--blocked', '--note', 'no \u001b[31mkey\nhere']);
    const { code, stdout, stderr } = await world.run(['log']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}developer {5}registered$/),
      expect.stringMatching(/ {2}developer {5}claimed {7}s1-a$/),
      expect.stringMatching(/ {2}developer {5}blocked {7}s1-a: no \\x1b\[31mkey · here$/),
    ]);
  });

  it('prints JSON with the keys of the objects', async () => {
    const { json } = await world.runJson(['log', '--step', 's1-a']);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        sessions: [],
        events: [
          {
            at: expect.stringMatching(/Z$/),
            type: 'step.claimed',
            agent: 'developer',
            step: 's1-a',
            session_id: null,
            to: null,
            epoch: 1,
            text: 's1-a',
            key: expect.stringMatching(/^run\/events\/\d{19}_developer_[0-9a-f]{8}\.json$/),
            derived: false,
          },
          expect.objectContaining({ type: 'step.blocked', epoch: 1 }),
        ],
      },
    });
  });

  it('filters as asked', async () => {
    expect((await world.run(['log', '--agent', 'nobody'])).stdout).toBe('');
    expect((await world.run(['log', '--since', '2099-01-01'])).stdout).toBe('');
    expect((await world.run(['log', '--since', '1h'])).stdout.split('\n')).toHaveLength(4);
    expect((await world.run(['log', '--since', 'yesterday'])).code).toBe(2);
    expect((await world.run(['log', '--agent', '../x'])).code).toBe(2);
  });

  it('reports what cannot be read, and continues', async () => {
    await put('1900000000000000000_x_00000000.json', 'no json');
    const { code, stdout, stderr } = await world.run(['log']);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(stderr).toContain('1900000000000000000_x_00000000.json: not JSON');
  });

  it('follows until it is stopped', async () => {
    const child = world.start(['log', '--follow', '--json']);
    let printed = '';
    const seen = (count: number) =>
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (printed.split('\n').length > count) resolve();
        };
        child.stdout?.on('data', (chunk: Buffer) => {
          printed += chunk.toString('utf8');
          look();
        });
        look();
      });
    await seen(3);
    await world.run(['claim', 'next']);
    await seen(4);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    const types = printed
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(types.slice(0, 4)).toEqual([
      'agent.registered',
      'step.claimed',
      'step.blocked',
      'step.claimed',
    ]);
  });
});
