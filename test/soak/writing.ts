import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const counts = new Map<string, number>();
let isStopping = false;
process.stdin.on('end', () => {
  isStopping = true;
});
process.stdin.resume();

export function hasToStop(): boolean {
  return isStopping;
}

export function count(what: string): number {
  const next = (counts.get(what) ?? 0) + 1;
  counts.set(what, next);
  return next;
}

export function counted(): Readonly<Record<string, number>> {
  return Object.fromEntries(counts);
}

export function chance(probability: number): boolean {
  return Math.random() < probability;
}

export function filler(): string {
  return 'x'.repeat(Math.floor(Math.random() ** 4 * 8_000));
}

export async function restAWhile(): Promise<void> {
  await pause(chance(0.05) ? 300 : Math.random() * 30);
}

/** Now and then in two pieces, with a rest between them. */
export async function appendTorn(path: string, line: string): Promise<void> {
  const cut = chance(0.2) ? Math.floor(Math.random() * line.length) : line.length;
  appendFileSync(path, line.slice(0, cut));
  await restAWhile();
  appendFileSync(path, line.slice(cut));
}
