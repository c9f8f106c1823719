import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openClawHandler } from '../../watchers/openclaw/hook.js';
import { claudeHook } from '../support/claude-hook.js';
import { type CliResult, collect } from '../support/run-cli.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const shells = ['/bin/sh', '/usr/bin/dash', '/usr/bin/bash', '/bin/busybox'].filter((path) =>
  existsSync(path),
);
const id = '0a1b2c3d-4e5f-4061-8071-2a3b4c5d6e7f';

/** As Claude Code sends it (https://code.claude.com/docs/en/hooks). */
function payload(over: object = {}): string {
  return JSON.stringify({
    session_id: id,
    transcript_path: `/home/o'neil/.claude/projects/-w/${id}.jsonl`,
    cwd: '/work/a "quoted" \\ folder',
    hook_event_name: 'Stop',
    ...over,
  });
}

let root: string;
let remove: () => Promise<void>;
let spool: string;
let script: string;

beforeEach(async () => {
  ({ path: root, remove } = await createTemporaryFolder());
  spool = join(root, "sp'ool $HOME");
  script = join(root, 'hook.sh');
  await writeFile(script, claudeHook(spool));
});

afterEach(() => remove());

function run(
  shell: string,
  kind: string,
  input: string,
  env: Record<string, string> = {},
): Promise<CliResult> {
  const args = shell.endsWith('busybox') ? ['sh', script, kind] : [script, kind];
  const child = spawn(shell, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const failed = new Promise<never>((_resolve, reject) => child.stdin?.on('error', reject));
  child.stdin?.end(input);
  return Promise.race([collect(child), failed]);
}

const silent = { code: 0, stdout: '', stderr: '' };

describe.each(shells)('the hook in %s', (shell) => {
  it('writes one file per session and kind, with its input', async () => {
    for (const kind of ['started', 'advanced', 'advanced', 'ended']) {
      expect(await run(shell, kind, payload())).toEqual(silent);
    }
    const names = await readdir(spool);
    expect(names.sort()).toEqual(
      ['advanced', 'ended', 'started'].map((kind) => `claude-code.${id}.${kind}`),
    );
    const file = join(spool, `claude-code.${id}.ended`);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      session_id: id,
      transcript_path: `/home/o'neil/.claude/projects/-w/${id}.jsonl`,
      cwd: '/work/a "quoted" \\ folder',
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(spool)).mode & 0o777).toBe(0o700);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'hello'],
    ['no id', '{"cwd":"/x"}'],
    ['a null id', payload({ session_id: null, other: 'x' })],
    ['an unended text', '{"session_id":"abc'],
    ['NUL bytes', '\0\0\0'],
  ])('%s on stdin: no file, no failure', async (_name, input) => {
    expect(await run(shell, 'advanced', input)).toEqual(silent);
    expect(existsSync(spool) ? await readdir(spool) : []).toEqual([]);
  });

  it.each([
    ['spaces after the colon', `{ "session_id": "${id}", "cwd": "/x" }`],
    ['an id quoted in another text', payload({ prompt: '"session_id":"other"' })],
  ])('%s', async (_name, input) => {
    await run(shell, 'advanced', input);
    expect(await readdir(spool)).toEqual([`claude-code.${id}.advanced`]);
  });

  it('encodes ids that are not file names, and never leaves the folder', async () => {
    for (const odd of ['../../evil', 'agent:main:telegram', '.hidden', 'a b', '$(touch x)']) {
      expect(await run(shell, 'advanced', payload({ session_id: odd }))).toEqual(silent);
    }
    const names = await readdir(spool);
    expect(names).toHaveLength(5);
    for (const name of names) expect(name).toMatch(/^claude-code\.x\d+\.advanced$/);
    expect(await readdir(root)).toEqual(expect.not.arrayContaining(['evil', 'x']));
  });

  it('reads megabytes on stdin to the end', async () => {
    const input = payload({ last_assistant_message: 'x'.repeat(4 << 20) });
    expect(await run(shell, 'advanced', input)).toEqual(silent);
    expect(await readdir(spool)).toEqual([`claude-code.${id}.advanced`]);
  });

  it('does not fail without PATH, HOME or a writable folder', async () => {
    expect(await run(shell, 'advanced', payload(), { PATH: '' })).toEqual(silent);
    await rm(spool, { recursive: true, force: true });
    await writeFile(spool, 'a file where the folder should be');
    expect(await run(shell, 'advanced', payload())).toEqual(silent);
    await rm(spool);
    await mkdir(spool, { mode: 0o500 });
    await chmod(spool, 0o500);
    expect(await run(shell, 'advanced', payload())).toEqual(silent);
    await rm(spool, { recursive: true });
    // Everything that is written is lost, as on a full disk.
    await writeFile(script, claudeHook('/proc/self/nowhere'));
    expect(await run(shell, 'advanced', payload())).toEqual(silent);
  });

  it("tells Claude Code's shell which session it runs in", async () => {
    const envFile = join(root, 'env');
    const env = { CLAUDE_ENV_FILE: envFile };
    await run(shell, 'started', payload(), env);
    await run(shell, 'advanced', payload(), env);
    await run(shell, 'started', payload({ session_id: 'x; rm -rf /' }), env);
    expect(await readFile(envFile, 'utf8')).toBe(`export CLAUDE_SESSION_ID=${id}\n`);
  });
});

describe("OpenClaw's handler", () => {
  it.each([
    [{ context: { sessionId: id } }, `openclaw.${id}.advanced`, { session_id: id }],
    [{ sessionKey: 'agent:main:main' }, 'openclaw.any.advanced', {}],
    [{ context: { sessionEntry: { sessionId: '../../x' } } }, 'openclaw.any.advanced', {}],
    [undefined, 'openclaw.any.advanced', {}],
  ])('drops a mark for %j', async (event, name, content) => {
    const module = join(root, 'handler.mjs');
    await writeFile(module, openClawHandler(spool));
    const call = `import(${JSON.stringify(module)}).then((m) => m.default(${JSON.stringify(event)}))`;
    const child = spawn(process.execPath, ['-e', call], { stdio: ['ignore', 'pipe', 'pipe'] });
    expect(await collect(child)).toEqual(silent);
    expect(await readdir(spool)).toEqual([name]);
    expect(JSON.parse(await readFile(join(spool, name), 'utf8'))).toEqual(content);
  });
});
