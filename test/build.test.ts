import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from './support/run-cli.js';

const dist = join(repositoryRoot, 'dist');
const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.cjs'));

const packageSchema = v.object({
  dependencies: v.optional(v.record(v.string(), v.string()), {}),
  optionalDependencies: v.optional(v.record(v.string(), v.string()), {}),
});
const manifestSchema = v.object({
  commands: v.record(
    v.string(),
    v.object({ isESM: v.boolean(), relativePath: v.array(v.string()) }),
  ),
});

function requiredBy(file: string): string[] {
  const code = readFileSync(join(dist, file), 'utf8');
  return [...code.matchAll(/(?<![\w$.])require\((["'`])([^"'`$]+)\1\)/g)].map(
    ([, , id]) => id ?? '',
  );
}

describe('the build', () => {
  it('has one file per command, and the manifest leads to each', () => {
    const manifest = v.parse(
      manifestSchema,
      JSON.parse(readFileSync(join(repositoryRoot, 'oclif.manifest.json'), 'utf8')),
    );
    const commands = readdirSync(join(repositoryRoot, 'commands'), {
      recursive: true,
      encoding: 'utf8',
    }).filter((file) => file.endsWith('.ts'));
    expect(
      Object.values(manifest.commands)
        .map((one) => one.relativePath.join('/'))
        .sort(),
    ).toEqual(commands.map((file) => `dist/commands/${file.replace(/\.ts$/, '.cjs')}`).sort());
    for (const { isESM, relativePath } of Object.values(manifest.commands)) {
      expect(isESM).toBe(false);
      expect(existsSync(join(repositoryRoot, ...relativePath))).toBe(true);
    }
  });

  it('needs nothing at run time but Node, itself and what package.json declares', () => {
    const declared = v.parse(
      packageSchema,
      JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')),
    );
    const allowed = new Set([
      ...Object.keys(declared.dependencies),
      ...Object.keys(declared.optionalDependencies),
      // Asked for by the AWS SDK itself, and only for multi-region access points; it says so when they are not there.
      '@aws-sdk/signature-v4-crt',
      '@aws-sdk/signature-v4a',
      // Asked for by proxy-agent-negotiate, only where somebody switches on Kerberos, which nobody here does.
      'kerberos',
    ]);
    const missing = files.flatMap((file) =>
      requiredBy(file)
        .filter((id) => !isBuiltin(id) && !allowed.has(id))
        .filter((id) => !id.startsWith('.') || !files.includes(posix.join(dirname(file), id)))
        .map((id) => `${file} requires ${id}`),
    );
    expect(missing).toEqual([]);
  });

  it('leaves heavy packages out of what a command loads at once', () => {
    const loaded = new Set<string>();
    const load = (file: string): void => {
      if (loaded.has(file)) return;
      loaded.add(file);
      const code = readFileSync(join(dist, file), 'utf8');
      const atOnce = code.replace(/Promise\.resolve\(\)\.then\(\(\)=>[^;]*?require\([^)]*\)/g, '');
      for (const [, , id] of atOnce.matchAll(/(?<![\w$.])require\((["'`])(\.[^"'`]+)\1\)/g)) {
        load(posix.join(dirname(file), id ?? ''));
      }
    };
    for (const file of files.filter((one) => one === 'cli.cjs' || one.startsWith('commands/'))) {
      load(file);
    }
    const heavy = [...loaded].filter((file) => {
      const code = readFileSync(join(dist, file), 'utf8');
      return /aws-sdk-js|x-amz-security-token|CHOKIDAR_USEPOLLING|registerVFS|barCompleteString|proxyConnect/i.test(
        code,
      );
    });
    expect(heavy).toEqual([]);
  });

  it('names the promises of fs only where they are used, since they bring much of Node along', () => {
    const own = files.filter((file) => {
      const code = readFileSync(join(dist, file), 'utf8');
      const atTheTop =
        /(?:^|[,;])(?:let |const |var )?[\w$]+=require\((["'`])(?:node:)?fs\/promises\1\)/m;
      return atTheTop.test(code);
    });
    // Only what is loaded on demand may: bundled packages, and the script that a hook runs.
    const loaded = new Set(
      own.filter((file) => file === 'cli.cjs' || file.startsWith('commands/')),
    );
    for (const file of files.filter((one) => one === 'cli.cjs' || one.startsWith('commands/'))) {
      for (const id of requiredBy(file)) {
        const required = posix.join(dirname(file), id);
        if (own.includes(required)) loaded.add(`${file} requires ${required}`);
      }
    }
    expect([...loaded]).toEqual([]);
  });

  it('signs each file with a hash of itself, for the code cache', () => {
    for (const file of files) {
      expect(readFileSync(join(dist, file), 'utf8'), file).toMatch(/\n\/\/[a-f0-9]{16}\n$/);
    }
  });
});
