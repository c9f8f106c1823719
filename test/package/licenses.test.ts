import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { licenseText, packagesOf } from '../../scripts/licenses.mjs';
import { repositoryRoot } from '../support/run-cli.js';
import { readSources } from '../support/source-graph.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const text = readFileSync(join(repositoryRoot, 'THIRD-PARTY-LICENSES'), 'utf8');
const listed = [...text.matchAll(/^((?:@[\w.-]+\/)?[\w.-]+)@\d[\w.-]* \(.+\)$/gm)].map(
  ([, name]) => name ?? '',
);

describe('THIRD-PARTY-LICENSES', () => {
  it('names every package that the sources import', () => {
    const imported = readSources(repositoryRoot, ['src', 'commands', 'watchers'])
      .flatMap(({ imports }) => imports)
      .filter(({ to, isOurs, isType }) => !isOurs && !isType && !isBuiltin(to))
      .map(({ to }) => /^(@[^/]+\/)?[^/]+/.exec(to)?.[0] ?? to);
    expect(imported).toContain('valibot');
    expect([...new Set(imported)].filter((name) => !listed.includes(name))).toEqual([]);
  });

  it('names what those bring with them', () => {
    for (const name of ['@smithy/core', '@aws-sdk/core', 'picomatch', 'ansis', 'eventemitter3']) {
      expect(listed).toContain(name);
    }
  });

  it('has the words of the licences, and no package twice in one version', () => {
    expect(text).toContain('Apache License');
    expect(text).toContain('Permission is hereby granted');
    const lines = text.split('\n').filter((line) => / \(.+\)$/.test(line) && /@\d/.test(line));
    expect(new Set(lines).size).toBe(lines.length);
  });
});

describe('the list of licences', () => {
  let remove: () => Promise<void>;

  afterEach(() => remove());

  async function modules(license: string | undefined): Promise<string[]> {
    const folder = await createTemporaryFolder();
    remove = folder.remove;
    const inner = join(folder.path, 'node_modules', 'outer', 'node_modules', '@scope', 'inner');
    const files = {
      [join(folder.path, 'node_modules', 'outer', 'package.json')]: {
        name: 'outer',
        version: '1.0.0',
        license: 'MIT',
      },
      [join(inner, 'package.json')]: { name: '@scope/inner', version: '2.0.0', license },
      // Of the kind that says nothing but how its files are to be read.
      [join(inner, 'esm', 'package.json')]: { type: 'module' },
    };
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, JSON.stringify(content));
    }
    await writeFile(join(inner, 'LICENSE.md'), 'These are the words.\r\n');
    return [
      join(folder.path, 'src', 'ours.ts'),
      join(folder.path, 'node_modules', 'outer', 'index.js'),
      `\0${join(inner, 'esm', 'index.js')}?commonjs`,
    ];
  }

  it('tells packages from our own files, also where one lies in another', async () => {
    const packages = await packagesOf(await modules('ISC'));
    expect(packages).toEqual([
      { name: '@scope/inner', version: '2.0.0', license: 'ISC', notices: ['These are the words.'] },
      { name: 'outer', version: '1.0.0', license: 'MIT', notices: [] },
    ]);
    expect(licenseText(packages)).toContain('@scope/inner@2.0.0 (ISC)\n\nThese are the words.');
  });

  it.each(['GPL-3.0-only', 'SEE LICENSE IN x', undefined])('refuses %s', async (license) => {
    const packages = await packagesOf(await modules(license));
    expect(() => licenseText(packages)).toThrow('@scope/inner@2.0.0');
  });

  it('takes one of several when it is offered', async () => {
    const packages = await packagesOf(await modules('(GPL-2.0-only OR MIT)'));
    expect(licenseText(packages)).toContain('(GPL-2.0-only OR MIT)');
  });
});
