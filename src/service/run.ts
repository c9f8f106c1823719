import { execFile } from 'node:child_process';

/** How a system program ended. */
export interface Ended {
  /** null: it is missing, was killed, or took too long. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether there is no such program. */
  readonly isMissing: boolean;
}

/** Runs a system program to its end; injected, so that a test can play the system. Never throws. */
export type Run = (command: string, args: readonly string[]) => Promise<Ended>;

const timeoutMs = 60_000;
const maxBytes = 4 * 1024 * 1024;

/** Messages in English, no prompts, at most a minute. */
export const runProgram: Run = (command, args) =>
  new Promise((resolve) => {
    const env = { ...process.env, LC_ALL: 'C', SYSTEMD_PAGER: '', SYSTEMD_COLORS: '0' };
    execFile(
      command,
      [...args],
      { env, timeout: timeoutMs, maxBuffer: maxBytes },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        const isMissing = error !== null && String(error.code) === 'ENOENT';
        resolve({ code, stdout, stderr, isMissing });
      },
    ).stdin?.end();
  });
