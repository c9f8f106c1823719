import type { LineStream } from '../../src/mirror/stream.js';

/** The same stream, except for what is given. Spreading it would lose the methods of a class. */
export function wrapped(
  stream: LineStream,
  changes: Partial<Pick<LineStream, 'changed' | 'read' | 'facts'>>,
): LineStream {
  return {
    kind: stream.kind,
    session: stream.session,
    name: stream.name,
    source: stream.source,
    isKeptFor: (folder) => stream.isKeptFor?.(folder) ?? false,
    changed: (since, survey) => stream.changed(since, survey),
    read: (from, limit) => stream.read(from, limit),
    facts: (line, before) => stream.facts(line, before),
    ...changes,
  };
}
