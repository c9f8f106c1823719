import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { harnessNames } from '../../watchers/names.js';
import { lineOf, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type CliWorld, collect, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let id = '';
let transcript: Transcript;
let inHome = { cwd: '' };

beforeEach(async () => {
  world = await createCliWorld();
  inHome = { cwd: world.home };
  id = sessionUuid();
  transcript = new Transcript(join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`));
});

afterEach(() => world.remove());

function row(text: string, cwd = '/work'): string {
  return lineOf(userRow(text, { sessionId: id, cwd }));
}

describe('tracecraft watch --once', () => {
  it('mirrors into a folder of the home without a config, and says so', async () => {
    await transcript.append(row('one'), row('two'));
    const result = await world.run(['watch', '--once'], inHome);
    const bucket = join(world.stateFolder, 'bucket');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout.split('\n')).toEqual([
      `No config yet: wrote ${join(world.stateFolder, 'config.json')} with a local bucket in ${bucket}.`,
      expect.stringMatching(
        /^Mirroring 1 session in 1 stream \(\d+ B\) to .*bucket \(default\)\.$/,
      ),
      expect.stringMatching(
        new RegExp(
          `^claude-code/${id.slice(0, 8)}  uploaded part-00000-[a-f0-9]{8}  source=\\d+B  upload=\\d+B  redactions=none$`,
        ),
      ),
      expect.stringMatching(/^Sent 1 session: 2 lines, \d+ B in .+\. Redacted: nothing\.$/),
      'Nothing is behind.',
      '',
    ]);
  });

  it('has nothing to send the second time', async () => {
    await transcript.append(row('one'));
    await world.run(['watch', '--once'], inHome);
    const again = await world.run(['watch', '--once'], inHome);
    expect(again.code).toBe(0);
    expect(again.stdout).not.toContain('uploaded');
  });

  it('mirrors the rest and exits with 10 if a database cannot be read', async () => {
    await transcript.append(row('one'));
    const database = join(world.home, '.hermes', 'state.db');
    await mkdir(join(world.home, '.hermes'));
    await writeFile(database, 'this is no database, whatever its name says'.repeat(200));
    const result = await world.run(['watch', '--once'], inHome);
    expect(result.code).toBe(10);
    expect(result.stdout).toContain('uploaded part-00000-');
    expect(result.stderr).toContain('not everything could be read');
    expect(result.stderr).toContain(database);
  });

  it('includes tool results, which must be unchanged for a while first', async () => {
    await transcript.append(row('one'));
    const folder = join(world.home, '.claude', 'projects', '-work', id, 'tool-results');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'toolu_1.txt'), `token ghp_${'a1B2'.repeat(9)}\nline two`);
    const result = await world.run(['watch', '--once'], inHome);
    expect(result.stdout).toContain('/tool-results  uploaded part-00000');
    const verified = await world.run(['session', 'verify'], inHome);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('1 of 1 lines') });
    const streams = join(world.stateFolder, 'bucket', 'default', 'streams');
    await rm(streams, { recursive: true });
    const missing = await world.run(['session', 'verify'], inHome);
    expect(missing).toMatchObject({ code: 10, stdout: expect.stringContaining('missing') });
    expect(await world.run(['watch', '--once', '--all'], inHome)).toMatchObject({ code: 0 });
    expect(await world.run(['session', 'verify'], inHome)).toMatchObject({ code: 0 });
  });

  it('reports in JSON', async () => {
    await transcript.append(row('one'), '{"unterminated":');
    const { code, stdout } = await world.run(['watch', '--once', '--json'], inHome);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(code).toBe(0);
    const event = { schema_version: 1, at: expect.any(String) };
    expect(events).toEqual([
      {
        ...event,
        type: 'taken',
        sessions: 1,
        streams: 1,
        bytes: expect.any(Number),
        left_sessions: 0,
        left_bytes: 0,
        left_elsewhere: 0,
        where: expect.stringContaining('bucket (default)'),
      },
      {
        ...event,
        type: 'part',
        harness: 'claude-code',
        session_id: id,
        stream: '',
        part: expect.stringMatching(/^part-(\d{5})-[a-f0-9]{8}\.jsonl$/),
        generation: 0,
        lines: 1,
        source_bytes: expect.any(Number),
        uploaded_bytes: expect.any(Number),
        redactions: {},
      },
      {
        ...event,
        type: 'note',
        message: expect.stringContaining('16 bytes after the last newline'),
      },
      { ...event, type: 'note', message: 'Nothing is behind.' },
      { schema_version: 1, data: { behind: [], rests: [{ source: transcript.path, bytes: 16 }] } },
    ]);
  });

  it('ignores a cloned repository’s config: exit 7, and the bucket stays empty', async () => {
    await transcript.append(row('private', world.project));
    await world.run(['init', '--global'], inHome);
    const elsewhere = join(world.root, 'elsewhere');
    await mkdir(elsewhere);
    const config = { backend: 'local', bucket: elsewhere, project: 'p', agent_id: 'a' };
    await writeFile(join(world.project, '.tracecraft.json'), JSON.stringify(config));
    for (const command of [
      ['watch', '--once'],
      ['watch'],
      ['session', 'mirror', '--harness', 'claude-code', '--session-id', id],
    ]) {
      const refused = await world.run(command);
      expect(refused).toMatchObject({ code: 7, stdout: '' });
      expect(refused.stderr).toContain('tracecraft trust');
    }
    expect(await readdir(elsewhere)).toEqual([]);
    await world.run(['trust', '--yes']);
    expect(await world.run(['watch', '--once'])).toMatchObject({ code: 0 });
    expect(await readdir(elsewhere)).toContain('p');
  });

  it('--no-redact sends secrets in clear, loudly, and to a store only with --yes', async () => {
    const secret = `ghp_${'aB3dE5gH7jK9'.repeat(3)}`;
    await transcript.append(row(`my token is ${secret}`));
    const plain = await world.run(['watch', '--once', '--no-redact'], inHome);
    expect(plain).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('nothing is redacted'),
    });
    const raw = await world.run(['session', 'show', id, '--raw'], inHome);
    expect(raw.stdout).toContain(secret);
    const config = join(world.project, '.tracecraft.json');
    const keys = { access_key: 'a', secret_key: 'b', endpoint: 'http://127.0.0.1:9' };
    const s3 = { backend: 's3', bucket: 'b', project: 'p', agent_id: 'a', ...keys };
    await writeFile(config, JSON.stringify(s3), { mode: 0o600 });
    await world.run(['trust', '--yes']);
    const refused = await world.run(['watch', '--once', '--no-redact']);
    expect(refused).toMatchObject({ code: 9, stdout: '' });
    expect(refused.stderr).toContain('--yes');
    const mirror = ['session', 'mirror', '--harness', 'claude-code', '--no-redact'];
    expect(await world.run(mirror)).toMatchObject({ code: 9, stdout: '' });
  });

  it('with a project’s config mirrors only what was started in its folder', async () => {
    await transcript.append(row('here', join(world.project, 'below')));
    const other = sessionUuid();
    const context = { sessionId: other, cwd: '/elsewhere' };
    await new Transcript(join(world.home, '.claude', 'projects', '-x', `${other}.jsonl`)).append(
      lineOf(userRow('there', context)),
    );
    await world.run(['init', '--project', 'p', '--agent', 'a']);
    const some = await world.run(['watch', '--once']);
    expect(some.stdout).toContain('Mirroring 1 session in 1 stream');
    expect(some.stdout).toContain('1 session of other folders is left alone: --all-projects');
    const missing = await world.run(['session', 'verify', '--all-projects']);
    expect(missing.code).toBe(10);
    expect(missing.stderr).toContain('Run tracecraft watch --once --all --all-projects, then');
    const all = await world.run(['watch', '--once', '--all-projects']);
    expect(all.stdout).toContain('Mirroring 2 sessions in 2 streams');
  });

  it('refuses a config that names an unknown harness, unless flags choose one', async () => {
    await transcript.append(row('one'));
    const path = join(world.stateFolder, 'config.json');
    await mkdir(world.stateFolder, { recursive: true });
    const config = { backend: 'local', bucket: join(world.home, 'bucket'), project: 'p' };
    await writeFile(path, JSON.stringify({ ...config, watch: { harness: ['codex', 'vim'] } }));
    await mkdir(config.bucket);
    const refused = await world.run(['watch', '--once'], inHome);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(
      `not a usable config: ${path}: field "watch.harness.1" must be one of ${harnessNames.join(', ')}`,
    );
    const told = await world.run(['watch', '--once', '--harness', 'claude-code'], inHome);
    expect(told).toMatchObject({ code: 0 });
  });
});

describe('tracecraft watch', () => {
  it('shuts down cleanly on SIGTERM with everything sent; a second watch learns who is running', async () => {
    await transcript.append(row('one'));
    const watch = world.start(['watch'], inHome);
    const result = collect(watch);
    if (watch.stdout === null) throw new Error('no output');
    await untilPrinted(watch.stdout, 'uploaded part-00000');
    const second = await world.run(['watch'], inHome);
    expect(second.code).toBe(4);
    expect(second.stderr).toContain(`pid ${watch.pid}`);
    await transcript.append(row('two'));
    watch.kill('SIGTERM');
    const { code, stdout } = await result;
    expect(code).toBe(0);
    expect(stdout).toContain('uploaded part-00001');
    expect(stdout).toContain('Nothing is behind.');
  });

  it('keeps running without any harness, and mirrors the first session that appears', async () => {
    const watch = world.start(['watch'], inHome);
    const result = collect(watch);
    if (watch.stdout === null) throw new Error('no output');
    await untilPrinted(watch.stdout, 'Mirroring 0 sessions');
    await transcript.append(row('one'));
    await untilPrinted(watch.stdout, 'uploaded part-00000');
    watch.kill('SIGINT');
    expect(await result).toMatchObject({ code: 0, stderr: '' });
  });

  it('stands by with --wait, and takes over when the other is killed', async () => {
    await transcript.append(row('one'));
    const first = world.start(['watch'], inHome);
    if (first.stdout === null) throw new Error('no output');
    await untilPrinted(first.stdout, 'uploaded part-00000');
    const second = world.start(['watch', '--wait'], inHome);
    const result = collect(second);
    if (second.stdout === null) throw new Error('no output');
    await untilPrinted(second.stdout, 'Standing by');
    const gone = once(first, 'exit');
    first.kill('SIGKILL');
    await gone;
    await transcript.append(row('two'));
    await untilPrinted(second.stdout, 'uploaded part-00001');
    second.kill('SIGINT');
    expect(await result).toMatchObject({ code: 0 });
  });
});

function untilPrinted(stream: NodeJS.ReadableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = '';
    stream.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    });
    stream.on('end', () => reject(new Error(`ended without printing ${text}: ${seen}`)));
  });
}

describe('tracecraft session stop beside a running watch', () => {
  it('persists', async () => {
    await transcript.append(row('one'));
    await world.run(['init', '--global', '--agent', 'alex'], inHome);
    const watch = world.start(['watch'], inHome);
    let seen = '';
    const uploaded = new Promise<void>((resolve) => {
      watch.stdout?.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        if (seen.includes('uploaded')) resolve();
      });
    });
    await uploaded;
    const { json } = await world.runJson(['session', 'stop', id], inHome);
    expect(json).toMatchObject({ data: { ended_at: expect.any(String) } });
    const spool = join(world.stateFolder, 'spool');
    await vi.waitFor(async () => expect(await readdir(spool)).toEqual([]), { timeout: 10_000 });
    watch.kill('SIGTERM');
    await collect(watch);
    const { stdout } = await world.run(['session', 'list', '--json'], inHome);
    expect(JSON.parse(stdout).data.sessions).toMatchObject([
      { session_id: id, ended_at: expect.any(String) },
    ]);
    const log = await world.run(['log', '--sessions'], inHome);
    expect(log.stdout.match(/session end/g)).toHaveLength(1);
  }, 30_000);
});
