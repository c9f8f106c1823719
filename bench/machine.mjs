import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const results = join(dirname(fileURLToPath(import.meta.url)), 'results');

/** What a figure was measured on; without this it says nothing. */
export function describeMachine() {
  return {
    os: `${type()} ${release()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

/** Writes `bench/results/<bench>.json`. */
export async function writeReport(bench, details) {
  await mkdir(results, { recursive: true });
  const report = {
    bench,
    at: new Date().toISOString(),
    machine: describeMachine(),
    ...details,
  };
  const file = join(results, `${bench}.json`);
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`written to bench/results/${bench}.json`);
}
