import { basename, resolve } from 'node:path';
import { gitStanding, keepOutOfGit } from '../config/write.js';
import { TracecraftError } from '../errors.js';
import { escapeTerminal } from '../escape-terminal.js';
import { canAsk, confirm } from './confirm.js';

interface Telling {
  note(line: string): void;
  warn(line: string): unknown;
}

/**
 * Has git ignore what was just written and is not meant for a repository: asks at a terminal, does it elsewhere. It
 * is written already, so a failure is only said.
 */
export async function ignoreInGit(
  paths: readonly string[],
  { note, warn }: Telling,
  mayAsk = canAsk(),
): Promise<void> {
  for (const path of paths.map((one) => resolve(one))) {
    const name = basename(path);
    try {
      const standing = await gitStanding(path);
      if (standing === 'tracked') warn(`git tracks ${name}, which now holds transcripts`);
      if (standing !== 'open') continue;
      const question = `${name} holds transcripts. Keep it out of git, with a line in .gitignore?`;
      if (mayAsk && !(await confirm(escapeTerminal(question)))) continue;
      await keepOutOfGit(path);
      note(`Added ${name} to .gitignore: it holds transcripts.`);
    } catch (error) {
      if (!(error instanceof TracecraftError)) throw error;
      warn(error.message);
    }
  }
}
