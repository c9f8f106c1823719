import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dice, expand } from '../redact/examples.js';
import { type CliResult, type CliWorld, collect, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let bucket = '';
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
const id = expect.stringMatching(/^[0-9a-f]{8}$/);
const secret = expand('sk-ant-api03-<url:93>AA', dice(7)).text;

beforeEach(async () => {
  world = await createCliWorld();
  bucket = join(world.stateFolder, 'bucket', 'project');
  const { code, stderr } = await world.run(['init', '--project', 'project', '--agent', 'designer']);
  expect(code, stderr).toBe(0);
});

afterEach(() => world.remove());

const as = (agent: string, input = '') => ({ env: { TRACECRAFT_AGENT: agent }, input });

function run(agent: string, ...args: readonly string[]): Promise<CliResult> {
  return world.run(args, as(agent));
}

async function plant(key: string, body: string | Buffer): Promise<void> {
  const path = join(bucket, key);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, body);
}

function stamped(n: number): string {
  return `${BigInt(Date.now()) * 1_000_000n + BigInt(n)}_somebody_${String(n).padStart(8, '0')}.json`;
}

// Some run a dozen processes one after the other.
const patience = { timeout: 120_000 };

describe('mail', patience, () => {
  it('is sent and read, in text and in JSON', async () => {
    const sent = await run('designer', 'send', 'developer', 'the contract is done', '--step', 'S1');
    expect(sent.stdout).toMatch(/^Sent message [0-9a-f]{8} to developer\n$/);
    expect(sent).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('No agent'),
    });
    const [, replyTo = ''] = /message (\S+)/.exec(sent.stdout) ?? [];
    const reply = ['send', 'designer', 'thanks', '--reply-to', replyTo];
    expect((await world.runJson(reply, as('developer'))).json).toEqual({
      schema_version: 1,
      data: {
        id,
        key: expect.stringContaining('project/messages/designer/'),
        from: 'developer',
        to: 'designer',
        sent_at: time,
        step: null,
        reply_to: replyTo,
      },
    });
    expect((await run('designer', 'send', '--all', 'frozen')).stdout).toMatch(/^Sent .* to all\n$/);
    const inbox = await run('developer', 'inbox');
    expect(inbox.stdout).toMatch(
      /^\[\S+Z\] \(direct\) designer: the contract is done\n\[\S+Z\] \(broadcast\) designer: frozen\n$/,
    );
    expect(inbox).toMatchObject({ code: 0, stderr: '' });
    const long = await run('designer', 'inbox', '--long', '--step', 's1');
    expect(long).toMatchObject({ code: 0, stdout: '', stderr: 'No mail.\n' });
    expect((await run('developer', 'inbox', '--long', '--step', 's1')).stdout).toContain(
      `\n    id ${replyTo}  step s1\n`,
    );
    expect((await world.runJson(['inbox'], as('developer'))).json).toEqual({
      schema_version: 1,
      data: {
        messages: [
          {
            id: replyTo,
            kind: 'direct',
            from: 'designer',
            message: 'the contract is done',
            sent_at: time,
            step: 's1',
            reply_to: null,
            asks_for_ack: false,
            key: expect.stringContaining(`_designer_${replyTo}.json`),
          },
          expect.objectContaining({ kind: 'broadcast', message: 'frozen' }),
        ],
        skipped: [],
        unread: 0,
      },
    });
    const log = await run('designer', 'log');
    expect(log.stdout).toMatch(/designer +message +→ developer: the contract is done/);
  });

  it('is new once, across restarts, and in JSON', async () => {
    await run('designer', 'send', 'developer', 'one');
    const first = await world.runJson(['inbox', '--new'], as('developer'));
    expect(first.json).toMatchObject({ data: { messages: [{ message: 'one' }] } });
    expect(await run('developer', 'inbox', '--new')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No new mail.\n',
    });
    await run('designer', 'send', 'developer', 'two');
    expect((await run('developer', 'inbox', '-n')).stdout).toMatch(
      /^\S+ \(direct\) designer: two\n$/,
    );
    expect((await run('developer', 'inbox')).stdout.split('\n')).toHaveLength(3);
  });

  it('whose reader went away before the output is new again', async () => {
    const message = 'x'.repeat(240_000);
    for (let n = 0; n < 10; n += 1) {
      await plant(`messages/developer/${stamped(n)}`, JSON.stringify({ message }));
    }
    const child = world.start(['inbox', '--new'], as('developer'));
    // More than a pipe holds, and nobody reads on: it cannot have been flushed when the process is killed.
    await new Promise((resolve) => child.stdout?.once('readable', resolve));
    child.kill('SIGKILL');
    await collect(child);
    const { stdout } = await run('developer', 'inbox', '--new');
    expect(stdout.match(/x{240000}\n/g)).toHaveLength(10);
    expect((await run('developer', 'inbox', '--new')).stdout).toBe('');
  });

  it('can be waited for', async () => {
    const late = await run('developer', 'inbox', '--wait', '--timeout', '1');
    expect(late).toMatchObject({ code: 6, stdout: '' });
    expect(late.stderr).toContain('no new mail after 1 s');
    const waiting = run('developer', 'inbox', '--wait', '--timeout', '60s', '--step', 'build');
    await run('designer', 'send', 'developer', 'about something else');
    await run('designer', 'send', 'developer', 'about the build', '--step', 'build');
    const { code, stdout } = await waiting;
    expect(stdout).toMatch(/^\S+ \(direct\) designer: about the build\n$/);
    expect(code).toBe(0);
    expect((await run('developer', 'inbox', '--new')).stdout).toContain('about something else');
    expect((await run('developer', 'inbox', '--timeout', '1')).code).toBe(2);
  });

  it('is deleted on request, except broadcasts', async () => {
    await run('designer', 'send', 'developer', 'one');
    await run('designer', 'send', '--all', 'two');
    const { stdout, stderr } = await run('developer', 'inbox', '--delete');
    expect(stdout.split('\n')).toHaveLength(3);
    expect(stderr).toBe('Deleted 1 message.\nAgent developer is new here and was registered.\n');
    expect((await run('developer', 'inbox', '--delete')).stderr).not.toContain('new here');
    expect((await run('developer', 'inbox')).stdout).toMatch(/^\S+ \(broadcast\) designer: two\n$/);
  });

  it('comes from stdin on request', async () => {
    await world.run(['send', 'developer', '-'], as('designer', 'first\nsecond\n'));
    const { stdout } = await run('developer', 'inbox');
    expect(stdout).toContain('designer: first\\nsecond\n');
    const binary = world.start(['send', 'developer', '-'], as('designer'));
    binary.stdin?.end(Buffer.from([0xff, 0xfe]));
    expect(await collect(binary)).toMatchObject({ code: 2, stdout: '' });
  });

  it('with a secret causes a warning, and is scrubbed only on request', async () => {
    const plain = await run('designer', 'send', 'developer', '--', secret);
    expect(plain.code).toBe(0);
    expect(plain.stderr).toMatch(
      /^Warning: the message contains what looks like a secret \(anthropic-api-key:1\)/,
    );
    const json = await world.runJson(['inbox'], as('developer'));
    expect(json.json).toMatchObject({ data: { messages: [{ message: secret }] } });
    const scrubbed = await run('designer', 'send', 'developer', `it is ${secret}`, '--redact');
    expect(scrubbed.stderr).toContain('redacted: anthropic-api-key:1');
    const { stdout } = await run('developer', 'inbox');
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/it is \[REDACTED:anthropic-api-key\]$/);
    const events = await readdir(join(bucket, 'events'));
    const last = await readFile(join(bucket, 'events', events.sort().at(-1) ?? ''), 'utf8');
    expect(last).toContain('[REDACTED:anthropic-api-key]');
  });
});

it('mail to _broadcast goes to all, as with the older tool', patience, async () => {
  const { stdout, code } = await run('designer', 'send', '_broadcast', 'from the older habit');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^Sent message [0-9a-f]{8} to all$/m)]);
  const { stdout: read } = await run('developer', 'inbox');
  expect(read).toContain('(broadcast) designer: from the older habit');
});

describe('hostile mail', patience, () => {
  const names = ['../x', '_cursor', '_broadcasts', '.a', 'a/b', 'a\u001b[31m', ''];

  it('in a name or an id is refused before anything is written', async () => {
    const before = await readdir(bucket, { recursive: true });
    const tries = [
      ...names.map((name) => ['send', '--', name, 'text']),
      ['send', 'developer', 'text', '--step', '../x'],
      ['send', 'developer', 'text', '--reply-to', '../../x'],
      ['send', 'developer', ' '],
      ['send', 'developer'],
      ['send', '--all'],
      ['send', '--all', 'developer', 'text'],
      ['inbox', '--step', '_x'],
    ];
    for (const args of tries) {
      const { code, stderr } = await run('designer', ...args);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).not.toContain('\u001b');
    }
    const large = await world.run(['send', 'developer', '-'], as('designer', 'x'.repeat(1 << 20)));
    expect(large.code).toBe(2);
    expect(large.stderr).toContain('longer than 250000 characters');
    expect(await readdir(bucket, { recursive: true })).toEqual(before);
  });

  it('in the bucket is reported and skipped, and shown without control characters', async () => {
    const keys = [1, 2, 3, 4].map((n) => `messages/developer/${stamped(n)}`);
    const [bad = '', worse = '', large = '', red = ''] = keys;
    await plant(bad, 'not JSON');
    await plant(worse, '{"message": {"a": 1}}');
    await plant(large, Buffer.alloc(3 << 20, 0x78));
    await plant(red, '{"message": "\\u001b[31mred\\u202e", "from": "a\\nb", "sent_at": "\\u0007"}');
    await plant('messages/developer/notes.json', '{}');
    await plant('messages/developer/_x.json', '{}');
    await plant('messages/developer/deep/er.json', '{}');
    await plant('inboxes/developer/cursor.json', '{"through": [], "direct": "all"}');
    const { code, stdout, stderr } = await run('developer', 'inbox', '--new');
    expect(code).toBe(0);
    expect(stdout).toBe('[\\x07] (direct) a\\nb: \\x1b[31mred\\u202e\n');
    for (const key of [bad, worse, large, 'developer/notes.json', 'developer/cursor.json']) {
      expect(stderr).toContain(key);
    }
    expect(stderr).not.toMatch(/_x\.json|deep/);
    const again = await run('developer', 'inbox', '--new');
    expect(again.stdout).toBe('');
    expect(again.stderr).not.toContain('developer/cursor.json');
    const all = await world.runJson(['inbox'], as('developer'));
    expect(all.json).toMatchObject({ data: { messages: [{}], skipped: expect.any(Array) } });
    expect(all.stdout).not.toContain('\u001b');
  });
});
