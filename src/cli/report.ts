import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeFailure, exitCodeOf, type Failure, failureLines } from './errors.js';
import { jsonSchemaVersion, noteLine, printJson, wantsJson } from './output.js';

/**
 * Shows an error and returns the exit code: with `--json` as an object on stdout, otherwise as at most three lines on
 * stderr.
 */
export async function reportFailure(
  error: unknown,
  argv: readonly string[],
  root: string,
): Promise<number> {
  const line = { argv, commandIds: await readCommandIds(root) };
  const failure = describeFailure(error, line);
  if (failure === undefined) return exitCodeOf(error) ?? 1;
  if (isDebugging(process.env.DEBUG)) showStack(error);
  if (wantsJson(argv)) printJson(failureDocument(failure));
  else for (const text of failureLines(failure)) noteLine(text);
  return failure.exitCode;
}

function failureDocument({ kind, message, hint, retryable, details }: Failure): object {
  return {
    schema_version: jsonSchemaVersion,
    error: { kind, message, hint, retryable, ...details },
  };
}

/** `DEBUG=tracecraft*`, in the syntax of the `debug` package. */
function isDebugging(pattern: string | undefined): boolean {
  return (pattern ?? '').split(/[\s,]+/).some((one) => one === '*' || one.startsWith('tracecraft'));
}

function showStack(error: unknown): void {
  let current = error;
  while (current instanceof Error) {
    for (const line of (current.stack ?? current.message).split('\n')) noteLine(line);
    current = current.cause;
  }
}

/** From the manifest. A missing one must not break error reporting. */
async function readCommandIds(root: string): Promise<string[]> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(root, 'oclif.manifest.json'), 'utf8'));
    const hasCommands = typeof manifest === 'object' && manifest !== null && 'commands' in manifest;
    return hasCommands ? Object.keys(Object(manifest.commands)) : [];
  } catch {
    return [];
  }
}
