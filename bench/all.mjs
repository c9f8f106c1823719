// The benches, nearly all one after the other, then the report and the figures in docs/benchmarks.md. Usage: npm run bench [-- --full]
// Safe to run again: each bench overwrites its own log. One that fails keeps its last log, and is named at the end.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { isFull, root } from './stand.mjs';

const small = {
  idle: ['--sessions', '1000', '--seconds', '10'],
  redact: ['--pairs', '100'],
};
const names = [
  'startup',
  'claims',
  'takeover',
  'mail',
  'latency',
  'read',
  'mirror',
  'idle',
  'redact',
  'search',
];
/** One writes a line each second and counts, so it can go on beside one that waits for most of its time as well. */
const beside = { latency: 'requests' };
const failed = [];
const began = performance.now();

for (const [n, name] of names.entries()) {
  console.log(`\n[${n + 1}/${names.length}] ${name}, after ${seconds()} s`);
  const more = isFull ? ['--full'] : [];
  const args = ['idle', 'redact'].includes(name) ? (isFull ? [] : small[name]) : more;
  const other = beside[name];
  const pair = [bench(name, args), ...(other === undefined ? [] : [bench(other, more)])];
  await Promise.all(pair);
}
for (const name of isFull ? ['replay', 'restore'] : []) {
  await bench(name, []);
}
if ((await run(join(root, 'bench', 'report.mjs'), [])) !== 0) failed.push('report');
console.log(`done in ${seconds()} s${failed.length > 0 ? `; failed: ${failed.join(', ')}` : ''}`);
process.exitCode = failed.length > 0 ? 1 : 0;

async function bench(name, args) {
  if ((await run(join(root, 'bench', `${name}.mjs`), args)) !== 0) failed.push(name);
}

function run(file, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', resolve);
  });
}

function seconds() {
  return Math.round((performance.now() - began) / 1000);
}
