import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './stand.mjs';

/** Resolves once it says what it mirrors. */
export async function startWatch(home) {
  const env = { PATH: process.env.PATH, HOME: home };
  const child = spawn(process.execPath, [join(root, 'bin/run.cjs'), 'watch'], { env, cwd: home });
  child.stderr.resume();
  await new Promise((resolve) => {
    child.stdout.on('data', (chunk) => String(chunk).includes('Mirroring') && resolve());
  });
  return child;
}

/** Linux: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export async function cpuSecondsOf(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
