import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { UsageError } from '../../errors.js';

const run = promisify(execFile);
/**
 * A repository's own config may name a program that every `git status` runs; reading must not start
 * it.
 */
const safely = ['-c', 'core.fsmonitor=false'];
const maxOutputBytes = 64 * 1024 * 1024;

export interface GitScope {
  /** A folder of the work tree. */
  readonly cwd: string;
  /** ISO 8601: commits made since then count too. `null`: only what is not committed. */
  readonly since: string | null;
}

/**
 * Files that differ from the last commit or are new to git, and files of the commits since the step
 * was claimed, as sorted paths relative to the top of the work tree; `undefined` without a work tree
 * or without git. `UsageError` where git fails.
 */
export async function changedFiles({ cwd, since }: GitScope): Promise<string[] | undefined> {
  if (!(await isWorkTree(cwd))) return undefined;
  const uncommitted = await git(cwd, [
    'status',
    '--porcelain=v1',
    '-z',
    '--untracked-files=all',
    '--no-renames',
  ]);
  const files = new Set(fieldsOf(uncommitted).map((field) => field.slice(3)));
  for (const file of await committedSince(cwd, since)) files.add(file);
  files.delete('');
  // It may contain keys, and is not part of anybody's work.
  for (const file of files) if (/(^|\/)\.tracecraft\.json$/.test(file)) files.delete(file);
  return [...files].sort();
}

async function isWorkTree(cwd: string): Promise<boolean> {
  try {
    const env = { ...process.env, LC_ALL: 'C' };
    await run('git', [...safely, 'rev-parse', '--is-inside-work-tree'], { cwd, env });
    return true;
  } catch (error) {
    const { code, stderr } = Object(error);
    return code !== 'ENOENT' && !String(stderr).includes('not a git repository');
  }
}

async function committedSince(cwd: string, since: string | null): Promise<string[]> {
  const at = Date.parse(since ?? '');
  if (Number.isNaN(at)) return [];
  // A repository without a commit has no HEAD to log from.
  const hasHead = await git(cwd, ['rev-parse', '--verify', '--quiet', 'HEAD']).catch(() => '');
  if (hasHead === '') return [];
  const names = await git(cwd, [
    'log',
    `--since=@${Math.floor(at / 1000)}`,
    '--name-only',
    '--no-renames',
    '--pretty=format:',
    '-z',
    'HEAD',
  ]);
  return fieldsOf(names).map((name) => name.replace(/^\n+/, ''));
}

function fieldsOf(output: string): string[] {
  return output.split('\0').filter((field) => field !== '');
}

async function git(cwd: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run('git', [...safely, ...args], { cwd, maxBuffer: maxOutputBytes });
    return stdout;
  } catch (error) {
    throw new UsageError(`git cannot say what has changed in ${cwd}: ${reasonOf(error)}`, {
      hint: 'Run it inside the git work tree, or omit --changed-files-from-git.',
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  const { stderr, message } = Object(error);
  const [first = ''] = String(stderr ?? '').split('\n');
  return first === '' ? String(message) : first;
}
