import { spawnSync } from 'node:child_process';
import type { StyledLine } from './conversation-lines.js';
import { styledText } from './output.js';

/** As Git does: colours pass through, and a short text needs no key to end it. */
const lessOptions = 'FRX';
/** What a shell answers when there is no such command. */
const notFound = 127;

/** Lines of the answer, at a terminal through the user's `$PAGER` if one is set. */
export function printPaged(
  lines: readonly StyledLine[],
  env: NodeJS.ProcessEnv = process.env,
): void {
  const text = lines.map((line) => `${styledText(line.text, line.style)}\n`).join('');
  if (!isPaged(text, env)) process.stdout.write(text);
}

function isPaged(text: string, env: NodeJS.ProcessEnv): boolean {
  const pager = env.PAGER ?? '';
  if (process.stdout.isTTY !== true || pager === '' || pager === 'cat') return false;
  const { error, status } = spawnSync('sh', ['-c', pager], {
    input: text,
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...env, LESS: env.LESS ?? lessOptions },
  });
  // EPIPE: the reader left before the end.
  const isMissing = error !== undefined && Object(error).code !== 'EPIPE';
  return !isMissing && status !== notFound;
}
