import { appendFileSync } from 'node:fs';

/** A second process that appends lines to the given files at random speeds, sometimes in fragments, until it is told to stop. */
const files = process.argv.slice(2);
let count = 0;
let isStopping = false;

/** One write per line as harnesses do it, now and then in two pieces with a pause between them. */
function write(file: string): void {
  count += 1;
  const filler = 'x'.repeat(Math.floor(Math.random() ** 4 * 20_000));
  const line = `${JSON.stringify({ n: count, type: 'user', cwd: '/soak', filler })}\n`;
  const cut = Math.random() < 0.2 ? Math.floor(Math.random() * line.length) : line.length;
  appendFileSync(file, line.slice(0, cut));
  setTimeout(() => {
    appendFileSync(file, line.slice(cut));
    next(file);
  }, pause());
}

function pause(): number {
  const roll = Math.random();
  return roll < 0.5 ? 1 : roll < 0.95 ? roll * 40 : 400;
}

function next(file: string): void {
  if (isStopping) {
    running -= 1;
    if (running === 0) process.stdout.write(`${count}\n`);
    return;
  }
  write(file);
}

let running = files.length;
for (const file of files) next(file);
process.stdin.on('end', () => {
  isStopping = true;
});
process.stdin.resume();
