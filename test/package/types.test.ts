import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../support/run-cli.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const usage = `
  export async function work(): Promise<string> {
    const bucket: Tracecraft = await openTracecraft({
      destination: { backend: 's3', bucket: 'b', project: 'p', endpoint: null },
      agent: 'developer',
    });
    const answer = await bucket.claim('build', { ttlMs: 60_000 });
    if (!answer.claimed) return answer.holder.agent;
    const { note } = await bucket.complete('build', { outcome: 'blocked', note: 'no compiler' });
    const set = await bucket.memory.set('a.b', { any: ['json'] }, { ifVersion: 1 });
    if (!set.written) return String(set.present?.version);
    const { parts } = await bucket.mirrorSession({ harness: 'codex' });
    await bucket.close();
    return note ?? String(parts);
  }
  export function codeOf(error: unknown): number {
    return error instanceof LostError || error instanceof TracecraftError ? error.exitCode : 1;
  }
`;
/** All of Node's types that the example in the documentation needs. */
const processOfNode = 'declare const process: { stdout: { write(text: string): void } };\n';
const modules = {
  'consumer.mts': `import { LostError, openTracecraft, type Tracecraft, TracecraftError } from 'tracecraft'; ${usage}`,
  'consumer.cts': `import { LostError, openTracecraft, type Tracecraft, TracecraftError } from 'tracecraft'; ${usage}`,
  'wrong.mts': `import { openTracecraft } from 'tracecraft'; export const one = openTracecraft({ agnet: 'x' });`,
};

let folder: string;
let remove: () => Promise<void>;

beforeAll(async () => {
  ({ path: folder, remove } = await createTemporaryFolder());
  await mkdir(join(folder, 'node_modules'));
  await symlink(repositoryRoot, join(folder, 'node_modules', 'tracecraft'));
  const page = await readFile(join(repositoryRoot, 'docs', 'sdk.md'), 'utf8');
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  await writeFile(join(folder, 'documented.mts'), `${processOfNode}${example}`);
  for (const [name, text] of Object.entries(modules)) await writeFile(join(folder, name), text);
});

afterAll(() => remove());

/** What the compiler says; nothing is skipped, and no types but the package's own and the language's are there. */
function compile(file: string, flags: readonly string[]): Promise<string> {
  const compiler = join(repositoryRoot, 'node_modules', 'typescript', 'bin', 'tsc');
  const strict = ['--strict', '--noEmit', '--skipLibCheck', 'false', '--types', '', '--target'];
  const args = [compiler, ...strict, 'es2022', '--exactOptionalPropertyTypes', ...flags, file];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (_, stdout) => resolve(stdout));
  });
}

const ways = [
  ['nodenext', ['--module', 'nodenext', '--moduleResolution', 'nodenext']],
  ['bundler', ['--module', 'esnext', '--moduleResolution', 'bundler']],
] as const;

describe.each(ways)('the types of the package, with %s', (_, flags) => {
  it('compile in an ES module', async () => {
    expect(await compile('consumer.mts', flags)).toBe('');
  });

  it('are what docs/sdk.md says', async () => {
    expect(await compile('documented.mts', flags)).toBe('');
  });

  it('refuse what is misspelt', async () => {
    expect(await compile('wrong.mts', flags)).toContain('agnet');
  });
});

it('the types of the package compile in a CommonJS module', async () => {
  expect(await compile('consumer.cts', ways[0][1])).toBe('');
});
