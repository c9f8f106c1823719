import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeFailure, exitCodeOf, type Failure, failureLines } from './errors.js';
import { jsonSchemaVersion, noteLine, printJson, wantsJson } from './output.js';

/**
 * Shows an error and returns the exit code. With `--json` it is an object on stdout, else at most three lines on stderr; the code
 * is the same.
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

function failureDocument({ kind, message, hint, retryable }: Failure): object {
  return { schema_version: jsonSchemaVersion, error: { kind, message, hint, retryable } };
}

/** `DEBUG=tracecraft*`, as the `debug` package spells what to show. */
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

/** From the manifest; none is no reason to fail while reporting a failure. */
async function readCommandIds(root: string): Promise<string[]> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(root, 'oclif.manifest.json'), 'utf8'));
    const hasCommands = typeof manifest === 'object' && manifest !== null && 'commands' in manifest;
    return hasCommands ? Object.keys(Object(manifest.commands)) : [];
  } catch {
    return [];
  }
}
