import type { Io } from '../../src/io.js';
import type { LineStream } from '../../src/mirror/stream.js';
import { jsonlFile } from '../../watchers/files/jsonl-file.js';

/** A session's main stream in one file, without a harness around it. */
export function jsonlStream(io: Io, path: string, id: string): LineStream {
  return jsonlFile({
    io,
    path,
    session: { harness: 'claude-code', id },
    name: '',
    facts: (_line, before) => before,
  });
}
