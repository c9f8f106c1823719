/** Whether the work finished before the signal aborted; a failure of the work is the caller's. */
export async function raceAbort(work: Promise<void>, signal: AbortSignal): Promise<boolean> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<boolean>((resolve) => {
    stop = () => resolve(false);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  const isDone = await Promise.race([work.then(() => true), aborted]);
  signal.removeEventListener('abort', stop);
  if (!isDone) work.catch(() => undefined);
  return isDone;
}
