import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../support/run-cli.js';

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tc-broken-'));
  for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json']) {
    await cp(join(repositoryRoot, name), join(root, name), { recursive: true });
  }
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function failureLines(env: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const script = join(root, 'bin', 'run.cjs');
  const run = promisify(execFile)(process.execPath, [script, 'no-such-command'], {
    env: { PATH: process.env.PATH, HOME: root, ...env },
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  const failure = await run.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ killed: false, stdout: '' });
  return String(Object(failure).stderr).trimEnd().split('\n');
}

describe('an uncaught error', () => {
  it('while the program is loading takes at most three lines, and shows its stack only with DEBUG', async () => {
    await writeFile(join(root, 'dist', 'cli.cjs'), 'throw new Error("one\\ntwo\\u001b[31m");\n');
    const lines = await failureLines();
    expect(lines.length).toBeLessThanOrEqual(3);
    expect(lines[0]).toBe('Error: unexpected: one\\ntwo\\u001b[31m');
    expect((await failureLines({ DEBUG: 'tracecraft*' })).join('\n')).toMatch(/\n +at .*cli\.cjs/);
  });

  it('that cannot be shown, because a file for showing it is missing, still ends the program', async () => {
    const chunks = join(root, 'dist', 'chunks');
    const [report] = (await readdir(chunks)).filter((name) => name.startsWith('report-'));
    expect(report).toBeDefined();
    await rm(join(chunks, report ?? ''));
    const lines = await failureLines();
    expect(lines.length).toBeLessThanOrEqual(3);
    expect(lines[0]).toMatch(/^Error: unexpected: /);
  });
});
