import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repositoryRoot } from './support/run-cli.js';

it('the report and docs/benchmarks.md are what the logs in bench/results say', () => {
  const script = join(repositoryRoot, 'bench', 'report.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
