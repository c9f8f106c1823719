import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandFile } from '../../src/cli/command-file.js';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tc-files-'));
  for (const name of ['memory', 'redact', 'search/index']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  const files = [
    'claim',
    'search',
    'memory/get',
    'redact/index',
    'redact/scan',
    'search/index/index',
  ];
  for (const file of files) await writeFile(join(folder, `${file}.cjs`), '');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function named(line: string): unknown {
  const found = commandFile(line.split(' '), folder);
  return found === undefined
    ? undefined
    : [found.file.slice(folder.length + 1).replaceAll('\\', '/'), found.rest.join(' ')];
}

describe('the command that a line names', () => {
  it.each([
    ['claim build --ttl 15m', 'claim.cjs', 'build --ttl 15m'],
    ['memory get k', 'memory/get.cjs', 'k'],
    ['redact', 'redact/index.cjs', ''],
    ['redact --check', 'redact/index.cjs', '--check'],
    ['redact scan', 'redact/scan.cjs', ''],
    ['search words', 'search.cjs', 'words'],
    ['search index', 'search/index/index.cjs', ''],
    ['search index index', 'search/index/index.cjs', 'index'],
    ['claim build -- --help', 'claim.cjs', 'build -- --help'],
  ])('%s', (line, file, rest) => {
    expect(named(line)).toEqual([file, rest]);
  });

  it.each([
    'claim --help',
    'claim build -h',
    'memory',
    'memory gett k',
    '--quiet claim build',
    'memory:get k',
    '../claim',
    'no-such-command',
  ])('%s is left to oclif', (line) => {
    expect(named(line)).toBeUndefined();
  });

  it('"redact index" is the command redact with an argument, as oclif has it', () => {
    expect(named('redact index')).toEqual(['redact/index.cjs', 'index']);
  });
});
