const outputs = [process.stdout, process.stderr];

/** Until a command has begun, and for those that only print: the reader has seen enough, e.g. `| head -1`. */
export function exitOnClosedPipes(): void {
  for (const output of outputs) output.on('error', exit);
}

/** The default for every command: it finishes its work even if nobody reads what it prints, so its exit code stays true. */
export function outliveReaders(onGone: () => void = () => undefined): void {
  const ignored = (error: NodeJS.ErrnoException): void => {
    ignore(error);
    onGone();
  };
  for (const output of outputs) output.off('error', exit).on('error', ignored);
}

function exit(error: NodeJS.ErrnoException): void {
  ignore(error);
  process.exit();
}

function ignore(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
