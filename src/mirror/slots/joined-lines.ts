import type { Slabs } from './slabs.js';

export interface Joined {
  readonly body: Buffer;
  /** What the body was copied into, if it is one of these. */
  readonly slab: Buffer | undefined;
}

/** Lines one after the other. Those that lie so already, as lines of a source do where nothing was redacted, are not copied. */
export function joined(lines: readonly Buffer[], slabs: Slabs): Joined {
  const runs = runsOf(lines);
  const [only = Buffer.alloc(0)] = runs;
  if (runs.length <= 1) return { body: only, slab: undefined };
  const bytes = runs.reduce((sum, run) => sum + run.length, 0);
  const slab = slabs.take(bytes);
  const body = slab?.subarray(0, bytes) ?? Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const run of runs) at += run.copy(body, at);
  return { body, slab };
}

function runsOf(lines: readonly Buffer[]): readonly Buffer[] {
  const runs: Buffer[] = [];
  let [run] = lines;
  if (run === undefined) return runs;
  let end = run.byteOffset + run.length;
  for (const line of lines.slice(1)) {
    if (line.buffer !== run.buffer || line.byteOffset !== end) {
      runs.push(whole(run, end));
      run = line;
    }
    end = line.byteOffset + line.length;
  }
  runs.push(whole(run, end));
  return runs;
}

function whole({ buffer, byteOffset }: Buffer, end: number): Buffer {
  return Buffer.from(buffer, byteOffset, end - byteOffset);
}
