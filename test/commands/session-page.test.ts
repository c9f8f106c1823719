import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assistantRow, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

const token = `ghp_${'Zq7Xw2Lm9Rt4Vb6Nk1Jd8Hs3Fg5Pc0Ty2Ua4'.slice(0, 36)}`;
const id = sessionUuid();
let world: CliWorld;

beforeAll(async () => {
  world = await createCliWorld();
  execFileSync('git', ['init', '-q', world.project]);
  await world.run(['init', '--project', 'run', '--agent', 'alex', '--global']);
  const context = { sessionId: id, cwd: '/home/alex/shop', timestamp: '2026-05-01T12:00:00.000Z' };
  const file = join(world.home, '.claude', 'projects', '-home-alex-shop', `${id}.jsonl`);
  await new Transcript(file).append(
    userRow('alex asks: what is in /home/alex/shop/src?', context, { uuid: 'a1' }),
    assistantRow(`It has ${token}\n/home/alex/.npmrc`, 'm', context, {
      uuid: 'a2',
      parentUuid: 'a1',
    }),
  );
  const mirrored = await world.run(['session', 'mirror', id, '--no-redact', '--yes']);
  expect(mirrored).toMatchObject({ code: 0 });
}, 60_000);

afterAll(() => world.remove());

/** What a page holds, as its viewer unpacks it. */
async function unpacked(path: string): Promise<string> {
  const page = await readFile(path, 'utf8');
  const packed = [...page.matchAll(/<script type="text\/plain" id="\w+">([^<]*)<\/script>/g)];
  return packed.map(([, text = '']) => gunzipSync(Buffer.from(text, 'base64'))).join('\n');
}

describe('a session for others to read', () => {
  it('is one page, without secrets, local paths and names, that git ignores', async () => {
    const { code, stdout, stderr } = await world.run(['session', 'show', id, '-o', 'page.html']);
    const path = join(world.project, 'page.html');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Wrote ${path}: 0 events, 1 session, 2 lines\n`,
    });
    expect(stderr).toContain('A second look for secrets found some');
    expect(stderr).toContain('Added page.html to .gitignore');
    expect(await readFile(join(world.project, '.gitignore'), 'utf8')).toMatch(/^page\.html$/m);
    const shown = await unpacked(path);
    expect(shown).toContain('[REDACTED:');
    expect(shown).toContain('user asks: what is in …/shop/src?');
    for (const word of [token, '/home/alex', '"alex']) expect(shown).not.toContain(word);
  });

  it('keeps paths if asked to, and asks git for nothing twice', async () => {
    const args = ['session', 'show', id, '-o', 'page.html', '--keep-paths', '--quiet'];
    expect(await world.run(args)).toMatchObject({ code: 0, stderr: '' });
    const shown = await unpacked(join(world.project, 'page.html'));
    expect(shown).toContain('alex asks: what is in /home/alex/shop/src?');
    expect(shown).not.toContain(token);
    const ignored = await readFile(join(world.project, '.gitignore'), 'utf8');
    expect(ignored.match(/page\.html/g)).toHaveLength(1);
  });

  it('is Markdown, printed or written to a file that nobody else wrote', async () => {
    const { stdout, stderr } = await world.run(['session', 'show', id, '--markdown']);
    expect(stdout).toContain('> user asks: what is in …/shop/src?\n\nIt has [REDACTED:');
    expect(stdout).not.toContain(token);
    expect(stderr).toContain('A second look for secrets redacted');
    await writeFile(join(world.project, 'notes.md'), 'mine');
    const args = ['session', 'show', id, '--markdown', '-o', 'notes.md'];
    expect(await world.run(args)).toMatchObject({ code: 2 });
    expect(await readFile(join(world.project, 'notes.md'), 'utf8')).toBe('mine');
    const { json } = await world.runJson([...args, '--force']);
    const path = join(world.project, 'notes.md');
    expect(json).toMatchObject({ data: { harness: 'claude-code', session_id: id, path } });
    expect(await readFile(path, 'utf8')).toContain('It has [REDACTED:');
  });

  it('warns of a page that git has already', async () => {
    await writeFile(join(world.project, 'kept.html'), '');
    execFileSync('git', ['-C', world.project, 'add', 'kept.html']);
    const args = ['session', 'show', id, '-o', 'kept.html', '--force'];
    expect(await world.run(args)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('git tracks kept.html'),
    });
    expect(existsSync(join(world.project, 'kept.html'))).toBe(true);
  });
});
