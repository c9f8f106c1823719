const names = ['stdout', 'stderr'] as const;

let whenClosed: (error: NodeJS.ErrnoException) => void = exit;

/**
 * Until a command has begun, and for those that only print: the reader has seen enough, e.g. `| head -1`. Node makes an
 * output when it is first named, and most commands never write to stderr, so that is waited for here.
 */
export function exitOnClosedPipes(): void {
  for (const name of names) onFirstUse(name, (output) => output.on('error', closed));
}

/** The default for every command: it finishes its work even if nobody reads what it prints, so its exit code stays true. */
export function outliveReaders(onGone: () => void = () => undefined): void {
  whenClosed = (error) => {
    ignore(error);
    onGone();
  };
}

function onFirstUse(
  name: (typeof names)[number],
  act: (output: NodeJS.WriteStream) => unknown,
): void {
  const property = Object.getOwnPropertyDescriptor(process, name);
  const make = property?.get?.bind(process);
  if (property?.configurable !== true || make === undefined) {
    act(process[name]);
    return;
  }
  Object.defineProperty(process, name, {
    ...property,
    get: () => {
      Object.defineProperty(process, name, property);
      const output: NodeJS.WriteStream = make();
      act(output);
      return output;
    },
  });
}

function closed(error: NodeJS.ErrnoException): void {
  whenClosed(error);
}

function exit(error: NodeJS.ErrnoException): void {
  ignore(error);
  process.exit();
}

function ignore(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
