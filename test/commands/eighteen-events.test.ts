import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openHubBucket } from '../../src/bucket/hugging-face/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { isCopyName } from '../../src/protocol/artifacts.js';
import { bucketLayout, type Layout } from '../../src/protocol/keys.js';
import { startHub } from '../support/hub/hub.js';
import {
  type CliResult,
  type CliWorld,
  collect,
  createCliWorld,
  repositoryRoot,
} from '../support/run-cli.js';
import { s3Servers } from '../support/s3-servers.js';

/** The whole run, as it is told in the design of coordination. */
const run = [
  ['designer', 'agent.registered', ''],
  ['developer', 'agent.registered', ''],
  ['reviewer', 'agent.registered', ''],
  ['designer', 'step.claimed', 'design'],
  ['developer', 'step.claim_rejected', 'design'],
  ['designer', 'memory.set', ''],
  ['designer', 'message.sent', ''],
  ['designer', 'step.completed', 'design'],
  ['designer', 'message.sent', 'design'],
  ['developer', 'step.claimed', 'build'],
  ['developer', 'artifact.uploaded', 'build'],
  ['developer', 'message.broadcast', ''],
  ['developer', 'step.completed', 'build'],
  ['developer', 'message.sent', 'build'],
  ['reviewer', 'step.claimed', 'review'],
  ['reviewer', 'message.sent', ''],
  ['reviewer', 'step.blocked', 'review'],
  ['reviewer', 'message.sent', ''],
] as const;

/** What each type of event is called in a line of the log. */
const words: Readonly<Record<string, string>> = {
  'agent.registered': 'registered',
  'step.claimed': 'claimed',
  'step.claim_rejected': 'rejected',
  'step.completed': 'completed',
  'step.blocked': 'blocked',
  'memory.set': 'memory',
  'message.sent': 'message',
  'message.broadcast': 'broadcast',
  'artifact.uploaded': 'artifact',
};

const eventSchema = v.object({
  type: v.string(),
  agent: v.string(),
  at: v.string(),
  step: v.optional(v.string(), ''),
  data: v.looseObject({ ref: v.looseObject({ key: v.string() }) }),
});
const logSchema = v.object({
  data: v.object({
    events: v.array(
      v.object({ at: v.string(), type: v.string(), key: v.string(), derived: v.boolean() }),
    ),
  }),
});

interface Destination {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  open(): Promise<Bucket>;
  stop(): Promise<void>;
}

const destinations = [
  { name: 'a local bucket', start: async (world: CliWorld) => localDestination(world) },
  // Half a minute of pauses, since claims are settled there: with the suites that CI runs besides `npm test`.
  ...(process.env.TRACECRAFT_TEST_S3_ENDPOINT === undefined
    ? []
    : [{ name: 'a bucket on Hugging Face', start: async () => hubDestination() }]),
  ...s3Servers().map(({ name, start }) => ({
    name,
    start: async (): Promise<Destination> => {
      const server = await start();
      return {
        flags: [
          ...['--backend', 's3', '--bucket', server.bucket, '--endpoint', server.endpoint],
          ...['--region', server.region],
        ],
        env: { AWS_ACCESS_KEY_ID: server.accessKey, AWS_SECRET_ACCESS_KEY: server.secretKey },
        open: async () => openS3Bucket(server),
        stop: server.stop,
      };
    },
  })),
];

function localDestination(world: CliWorld): Destination {
  const root = join(world.root, 'bucket');
  return {
    flags: ['--backend', 'local', '--bucket', root],
    env: {},
    open: () => openLocalBucket({ root }),
    stop: async () => undefined,
  };
}

async function hubDestination(): Promise<Destination> {
  const hub = await startHub();
  const token = hub.token({ name: 'ann', role: 'write' });
  return {
    flags: ['--backend', 'hf', '--bucket', 'ann/traces'],
    env: { HF_ENDPOINT: hub.endpoint, HF_TOKEN: token },
    open: async () => openHubBucket({ bucket: 'ann/traces', endpoint: hub.endpoint, token }),
    stop: hub.stop,
  };
}

describe.each(destinations)('the eighteen-event run in $name', ({ start }) => {
  let world: CliWorld;
  let destination: Destination;
  let bucket: Bucket;
  let layout: Layout;
  let script: CliResult;
  const objects = new Map<string, Buffer>();

  beforeAll(async () => {
    world = await createCliWorld();
    destination = await start(world);
    const project = `auth-${randomBytes(4).toString('hex')}`;
    layout = bucketLayout(project);
    script = await runScript(world, [...destination.flags, '--project', project], destination.env);
    bucket = await destination.open();
    for await (const entry of bucket.list(layout.root)) {
      if (entry.kind !== 'object') continue;
      objects.set(entry.key, (await bucket.get(entry.key))?.body ?? Buffer.alloc(0));
    }
  }, 120_000);

  afterAll(async () => {
    await bucket?.close();
    await destination?.stop();
    await world.remove();
  });

  const json = (key: string): unknown => JSON.parse(objects.get(key)?.toString('utf8') ?? 'null');
  const keysIn = (prefix: string): string[] =>
    [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  const events = () =>
    keysIn(layout.events()).map((key) => ({ key, ...v.parse(eventSchema, json(key)) }));

  it('is run by the script in examples', () => {
    expect(script.stderr).not.toContain('eighteen-events:');
    expect(script).toMatchObject({ code: 0 });
    expect(script.stdout).toContain('Claimed step design as designer\n');
    expect(script.stderr).toContain('Step design already claimed by designer\n');
    expect(script.stdout).toContain('Completed step build\n');
    expect(script.stdout).toMatch(
      /^\[\S+Z\] \(direct\) designer: The contract is in design\.contract/m,
    );
    expect(script.stdout).toContain('Blocked step review\n');
  });

  it('leaves eighteen events, each about an existing object', () => {
    expect(events().map(({ agent, type, step }) => [agent, type, step])).toEqual(run);
    for (const { data } of events()) expect([...objects.keys()]).toContain(data.ref.key);
    const about = (prefix: string) =>
      events()
        .map(({ data }) => data.ref.key)
        .filter((key) => key.startsWith(prefix))
        .sort();
    const mail = keysIn(`${layout.root}messages/`);
    expect(about(`${layout.root}messages/`)).toEqual(mail);
    // Where writes cannot be conditional, a completion keeps a copy of what it hands over.
    const artifacts = keysIn(layout.artifacts()).filter((key) => !isCopyName(key));
    expect(about(layout.artifacts())).toEqual(artifacts);
    expect(about(layout.agents())).toEqual(keysIn(layout.agents()));
  });

  it('is shown by the log in eighteen matching lines', async () => {
    const text = await world.run(['log'], { env: destination.env });
    expect(text).toMatchObject({ code: 0, stderr: '' });
    const lines = text.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(18);
    for (const [index, event] of events().entries()) {
      const [at, agent, word] = (lines[index] ?? '').split(/ {2,}/);
      expect([at, agent, word]).toEqual([event.at, event.agent, words[event.type]]);
    }
    const shown = [
      [4, 'design, held by designer'],
      [5, 'design.contract'],
      [10, 'build/patch-auth.diff'],
      [11, 'The patch is in build/patch-auth.diff'],
      [16, 'missing auth check, needs rework'],
    ] as const;
    for (const [index, part] of shown) expect(lines[index]).toContain(part);
    expect(script.stdout).toContain(text.stdout);
    const { json: told } = await world.runJson(['log'], { env: destination.env });
    expect(v.parse(logSchema, told).data.events).toEqual(
      events().map(({ key, type, at }) => ({ key, type, at, derived: false })),
    );
  });

  it('ends with a blocked review that goes to nobody', () => {
    expect(json(layout.handoff('review'))).toMatchObject({
      schema: 2,
      from_agent: 'reviewer',
      state: 'blocked',
      next_agent: null,
      note: 'missing auth check, needs rework',
      epoch: 1,
    });
    expect(json(layout.status('review'))).toMatchObject({ status: 'blocked', agent: 'reviewer' });
    expect(json(layout.handoff('build'))).toMatchObject({
      state: 'complete',
      next_agent: 'reviewer',
      artifacts: [
        { name: 'build/patch-auth.diff', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ],
    });
    expect(json(layout.status('design'))).toMatchObject({ status: 'complete', agent: 'designer' });
    expect(json(layout.memory('design.contract'))).toMatchObject({
      value: { header: 'Authorization', algorithm: 'ES256' },
      set_by: 'designer',
      version: 1,
    });
  });

  it('delivers the patch to the reviewer as it was uploaded', async () => {
    const uploaded = events().find(({ type }) => type === 'artifact.uploaded');
    const patch = await readFile(join(world.project, 'review', 'patch-auth.diff'));
    expect(createHash('sha256').update(patch).digest('hex')).toBe(uploaded?.data.sha256);
  });
});

/** Finds the built command as `tracecraft` on its PATH, as its user would. */
async function runScript(
  world: CliWorld,
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<CliResult> {
  const folder = join(world.root, 'bin');
  const command = join(folder, 'tracecraft');
  await mkdir(folder);
  const built = join(repositoryRoot, 'bin', 'run.cjs');
  await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${built}' "$@"\n`);
  await chmod(command, 0o755);
  const child = spawn('sh', [join(repositoryRoot, 'examples', 'eighteen-events.sh'), ...flags], {
    cwd: world.project,
    env: { PATH: `${folder}:${process.env.PATH}`, HOME: world.home, TZ: 'UTC', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return collect(child);
}
