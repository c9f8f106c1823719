import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { hasControlCharacter } from '../../protocol/names.js';

/** A command in its own process group, so that everything it starts can be ended with it. */
export interface RunningCommand {
  /** Exit code as a shell reports it; 127 if it could not be started. */
  readonly ended: Promise<number>;
  /** Why it could not be started, if that is so. */
  startFailure?(): Error | undefined;
  /** The end of its output, without control characters; '' if that was not requested. */
  tail(): string;
  signal(name: NodeJS.Signals): void;
}

export interface CommandOptions {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its output is piped through this process, which keeps the end of it. */
  readonly keepsTail: boolean;
  /** Where its two outputs are forwarded when the end is kept. */
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export function startCommand({
  words,
  env,
  keepsTail,
  stdout,
  stderr,
}: CommandOptions): RunningCommand {
  const [program = '', ...parameters] = words;
  const output = keepsTail ? 'pipe' : 'inherit';
  let child: ChildProcess;
  try {
    child = spawn(program, parameters, {
      detached: true,
      env: { ...env },
      stdio: ['inherit', output, output],
    });
  } catch (error) {
    return neverStarted(error instanceof Error ? error : new Error(String(error)));
  }
  let failure: Error | undefined;
  child.once('error', (error) => {
    if (child.pid === undefined) failure = error;
  });
  const tail = new OutputTail();
  const outputs = [forward(child.stdout, stdout, tail), forward(child.stderr, stderr, tail)];
  return {
    ended: endOf(child, outputs),
    startFailure: () => failure,
    tail: () => tail.text(),
    signal: (name) => signalGroup(child, name),
  };
}

/** Some reasons are thrown by `spawn` itself, e.g. a path that goes through a file. */
function neverStarted(failure: Error): RunningCommand {
  return {
    ended: Promise.resolve(127),
    startFailure: () => failure,
    tail: () => '',
    signal: () => undefined,
  };
}

interface ForwardedOutput {
  /** Stops keeping this process alive, unless it still has to pass on what the command wrote. */
  letGo(): void;
}

function forward(from: Readable | null, to: Writable, tail: OutputTail): ForwardedOutput {
  from?.on('data', (chunk: Buffer) => tail.add(chunk));
  // As slow as whoever reads.
  from?.pipe(to, { end: false });
  // Nobody reads any more: the command is told as it would be without us, when it writes again.
  to.once('error', () => from?.destroy());
  return {
    letGo: () => {
      if (from instanceof Socket && !to.writableNeedDrain) from.unref();
    },
  };
}

/**
 * A background process may hold the command's output open; the command still counts as ended after
 * this pause.
 */
const flushMs = 200;

function endOf(child: ChildProcess, outputs: readonly ForwardedOutput[]): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('exit', (code, signal) => {
      const exit = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      const timer = setTimeout(() => {
        for (const one of outputs) one.letGo();
        resolve(exit);
      }, flushMs);
      child.once('close', () => {
        clearTimeout(timer);
        resolve(exit);
      });
    });
  });
}

function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch (error) {
    const { code } = Object(error);
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

const tailBytes = 4_096;
const tailLines = 20;

/** The last lines written to both streams, in order of arrival. */
class OutputTail {
  #bytes = Buffer.alloc(0);

  add(chunk: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]).subarray(-2 * tailBytes);
  }

  text(): string {
    const printed = stripVTControlCharacters(this.#bytes.subarray(-tailBytes).toString('utf8'));
    const visible = [...printed].filter((one) => one === '\n' || !hasControlCharacter(one));
    return visible.join('').trimEnd().split('\n').slice(-tailLines).join('\n');
  }
}
