import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../support/run-cli.js';

const lockSchema = v.object({
  packages: v.record(
    v.string(),
    v.object({
      hasInstallScript: v.optional(v.boolean(), false),
      engines: v.optional(v.record(v.string(), v.string()), {}),
    }),
  ),
});
const packageSchema = v.object({ allowScripts: v.record(v.string(), v.boolean()) });

function read<Schema extends v.GenericSchema>(schema: Schema, file: string) {
  return v.parse(schema, JSON.parse(readFileSync(join(repositoryRoot, file), 'utf8')));
}

describe('npm ci on Node 20', () => {
  const packages = Object.entries(read(lockSchema, 'package-lock.json').packages);

  it('meets no package that asks for a later Node', () => {
    expect(packages.length).toBeGreaterThan(100);
    const later = packages.filter(([, { engines }]) =>
      /^[>=^~\s]*2[1-9]\b[^|]*$/.test(engines.node ?? ''),
    );
    expect(later.map(([path]) => path)).toEqual([]);
  });

  it('is asked about no install script: each is answered for, and none is needed', () => {
    const { allowScripts } = read(packageSchema, 'package.json');
    const scripts = packages
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect(scripts).toContain('@photostructure/sqlite');
    expect(scripts.filter((name) => allowScripts[name] !== false)).toEqual([]);
  });
});
