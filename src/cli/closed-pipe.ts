const outputs = [process.stdout, process.stderr];

/** The default for every command: the reader has seen enough, e.g. `| head -1`. */
export function exitOnClosedPipes(): void {
  for (const output of outputs) output.on('error', exit);
}

/** For a process that has something to finish even if nobody reads what it prints. */
export function outliveReaders(): void {
  for (const output of outputs) output.off('error', exit).on('error', ignore);
}

function exit(error: NodeJS.ErrnoException): void {
  ignore(error);
  process.exit();
}

function ignore(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
