import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readManual } from '../../src/cli/manual/commands.js';
import { frontPage } from '../../src/cli/manual/front-page.js';
import { grouped } from '../../src/cli/manual/groups.js';
import { markdownManual } from '../../src/cli/manual/markdown.js';
import { roffManual } from '../../src/cli/manual/roff.js';
import { createCliWorld, repositoryRoot } from '../support/run-cli.js';

function fileOf(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}

const manual = readManual(fileOf('oclif.manifest.json'));

it.each([
  ['docs/commands.md', markdownManual],
  ['man/tracecraft.1', roffManual],
])('%s is what the commands say: npm run docs', (path, render) => {
  expect(fileOf(path)).toBe(render(manual));
});

it('every command belongs to a group: src/cli/manual/groups.ts', () => {
  const rest = grouped(manual.commands).find(({ title }) => title === 'More');
  expect(rest?.commands.map(({ name }) => name) ?? []).toEqual([]);
});

it('every command states its exit codes', () => {
  const silent = manual.commands.filter(
    ({ description }) => !description.some((paragraph) => paragraph.startsWith('Exit codes: ')),
  );
  expect(silent.map(({ name }) => name)).toEqual([]);
});

it('the first page has a line for each command, and fits its terminal', () => {
  const page = frontPage(manual, { width: undefined, isBold: false });
  for (const { name, summary } of manual.commands) {
    expect(page).toMatch(new RegExp(`^  ${name} +${summary.slice(0, 10)}`, 'm'));
  }
  const narrow = frontPage(manual, { width: 60, isBold: false }).split('\n');
  const listed = narrow.slice(3, narrow.indexOf('Start here'));
  expect(Math.max(...listed.map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(frontPage(manual, { width: 60, isBold: true })).toContain('\u001b[1mMirror\u001b[22m');
});

it('the front page is shown for no words, help and --help; a command has its own', async () => {
  const world = await createCliWorld();
  try {
    const page = frontPage(manual, { width: undefined, isBold: false });
    for (const args of [[], ['help'], ['--help'], ['-h']]) {
      expect(await world.run(args)).toEqual({ code: 0, stdout: page, stderr: '' });
    }
    expect((await world.run(['help', 'claim'])).stdout).toContain('USAGE\n  $ tracecraft claim');
    const unknown = await world.run(['help', 'clam']);
    expect(unknown.code).toBe(2);
  } finally {
    await world.remove();
  }
});

const hasMandoc = spawnSync('mandoc', ['-V']).error === undefined;
if (!hasMandoc) process.stderr.write('SKIPPED, no mandoc here: checking the man page\n');

it.skipIf(!hasMandoc)('the man page is valid', () => {
  const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', 'man/tracecraft.1'], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  expect(stdout.split('\n').filter((line) => !/missing date|^$/.test(line))).toEqual([]);
});
