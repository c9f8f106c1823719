/** The session of a transcript, by its path: the oldest releases put another id there. */
export function sessionInPath(path: unknown): string | undefined {
  return typeof path === 'string' ? /_([^/\\_][^/\\]{0,127})\.jsonl$/.exec(path)?.[1] : undefined;
}
