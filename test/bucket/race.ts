import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BucketTarget } from '../../src/bucket/open.js';
import { bundleModule } from '../support/run-module.js';

export interface RaceOutcome {
  readonly written: boolean;
  readonly etag?: string;
  /** What this process tried to write. */
  readonly body: string;
}

export interface Racers {
  /** One conditional write of every process at the same moment. */
  race(start: { readonly key: string; readonly etag?: string }): Promise<readonly RaceOutcome[]>;
  stop(): Promise<void>;
}

/** As many real processes, each with a bucket of its own, loaded and connected. */
export async function startRacers(target: BucketTarget, count: number): Promise<Racers> {
  const program = await bundleModule(fileURLToPath(new URL('racer.ts', import.meta.url)));
  const racers = Array.from({ length: count }, () =>
    speak(program.start([JSON.stringify(target)])),
  );
  const stop = async (): Promise<void> => {
    await Promise.all(racers.map((racer) => racer.stop()));
    await program.remove();
  };
  try {
    await Promise.all(racers.map((racer) => racer.hear()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    race: async (start) => {
      for (const racer of racers) racer.say(JSON.stringify(start));
      const lines = await Promise.all(racers.map((racer) => racer.hear()));
      return lines.map((line) => JSON.parse(line));
    },
    stop,
  };
}

interface Speaker {
  say(line: string): void;
  /** The next line that it prints. */
  hear(): Promise<string>;
  stop(): Promise<void>;
}

function speak(child: ChildProcess): Speaker {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('no pipes');
  const complaints: Buffer[] = [];
  stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    say: (line) => stdin.write(`${line}\n`),
    hear: async () => {
      const next = await lines.next();
      if (next.done === true) throw new Error(`a racer ended: ${Buffer.concat(complaints)}`);
      return next.value;
    },
    stop: async () => {
      stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
